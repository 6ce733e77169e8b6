"""The endpoint: check the signature, store the event, start its task."""

import hashlib
import hmac
import json
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from sqlalchemy.exc import IntegrityError

from benchmarks.naive.models import Event, sessions
from benchmarks.naive.tasks import settle
from runtime.settings import settings

app = FastAPI()
_sessions = sessions()
_secret = settings().stripe_secrets[0].encode()


async def body_of(request: Request) -> bytes:
    """The body, read in the event loop; the rest is done in a thread."""
    return await request.body()


@app.post("/webhooks/stripe")
def receive(
    body: Annotated[bytes, Depends(body_of)], stripe_signature: Annotated[str, Header()]
) -> dict[str, bool]:
    """Answers when the event is stored and its task is sent."""
    if not _is_genuine(stripe_signature, body):
        raise HTTPException(400)
    told = json.loads(body)
    event = Event(event_id=told["id"], kind=told["type"], payload=told)
    with _sessions() as session:
        session.add(event)
        try:
            session.commit()
        except IntegrityError:
            return {"received": True}
        id_ = event.id
    settle.delay(id_)
    return {"received": True}


def _is_genuine(header: str, body: bytes) -> bool:
    parts = dict(part.split("=", 1) for part in header.split(","))
    message = b"%b.%b" % (parts["t"].encode(), body)
    expected = hmac.new(_secret, message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"])
