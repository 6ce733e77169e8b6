"""The door of the API: who may come in, and how the body of a request is read."""

import hashlib
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException

from gateways import strict_json
from ledger.access import repeats, tokens
from ledger.books.acting import Word
from ledger.store import Books, Store
from runtime.hosted import Hosted
from web import problems

MOST_BODY_BYTES = 1024 * 1024

_JSON = re.compile(r"application/json\s*(;|$)", re.IGNORECASE)

# Only for the reader of the OpenAPI document; the route itself looks before it reads the body.
SCHEMES = (
    Depends(HTTPBearer(auto_error=False, description="The token that `incasso token add` shows.")),
    Depends(APIKeyHeader(name="authtoken", auto_error=False, description="The same token.")),
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every request is served with. `zone` is the seller's; `now` answers in UTC."""

    store: Store
    zone: ZoneInfo
    now: Callable[[], datetime]
    links: Hosted

    @property
    def today(self) -> date:
        """The seller's local day."""
        return self.now().astimezone(self.zone).date()

    def word(self, actor: str, reason: str | None) -> Word:
        """What somebody says at this moment, and why."""
        return Word(actor, reason, self.today, self.zone)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and under which key of his own; a key of None: each time anew.

    `sha256` is that of the method, address and body.
    """

    caller: str
    key: str | None
    sha256: bytes

    def is_first(self, books: Books) -> bool:
        """Whether it is to be done; False when it was done already under this key.

        Comes before every lock of the act. Refused when the key stands for another request.
        """
        return self.key is None or repeats.is_first(books, self.caller, self.key, self.sha256)


class Route(APIRoute):
    """A route behind the door: token first, then the body, and every error as a problem."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler FastAPI would use, with the door before it."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                request.state.caller = await run_in_threadpool(_caller, request)
                response = await handle(_ExactRequest(request.scope, request.receive))
            except Exception as error:  # noqa: BLE001 - the edge: whatever it is, it is answered
                return problems.answer(error)
            response.headers["Cache-Control"] = "no-store"
            return response

        return guarded


class _ExactRequest(Request):
    """A request of a decent size, in JSON whose numbers never were floats."""

    raw = b""

    async def body(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in self.stream():
            size += len(part)
            if size > MOST_BODY_BYTES:
                raise HTTPException(413, f"a body has at most {MOST_BODY_BYTES} bytes")
            parts.append(part)
        if size and not _JSON.match(self.headers.get("content-type", "")):
            raise HTTPException(415, "send JSON, with `Content-Type: application/json`")
        self.raw = b"".join(parts)
        return self.raw

    async def json(self) -> Any:
        try:
            return strict_json.parse_storable(self.raw)
        except strict_json.Malformed as error:
            raise HTTPException(422, f"the body is no strict JSON: {error}") from error


def _caller(request: Request) -> str:
    """The name of the token that the request carries; 401 without one that is let in."""
    token = _token(request)
    if token:
        with _desk(request).store.transaction() as books:
            name = tokens.owner(books, token)
        if name is not None:
            return f"api:{name}"
    raise HTTPException(
        401,
        "send a valid token, as `Authorization: Bearer …` or as `authtoken: …`",
        {"WWW-Authenticate": "Bearer"},
    )


def _token(request: Request) -> str:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    return request.headers.get("authtoken", "").strip()


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _name(request: Request) -> str:
    caller: str = request.state.caller
    return caller


def _asking(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="A key of your own: asked again under it, nothing is done again.",
        ),
    ] = None,
) -> Asking:
    told = f"{request.method} {request.url.path}\n".encode() + getattr(request, "raw", b"")
    return Asking(_name(request), key, hashlib.sha256(told).digest())


AtDesk = Annotated[Desk, Depends(_desk)]
Asked = Annotated[Asking, Depends(_asking)]
