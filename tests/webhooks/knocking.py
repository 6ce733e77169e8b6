"""Somebody at the door: speaks ASGI to it without a server between."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from celery import Celery

from gateways.port import Gateway
from gateways.stripe import Stripe
from runtime import clock
from tests.gateways.deliveries import SECRET, stripe_body, stripe_header
from webhooks.app import Webhooks
from webhooks.requests import Message

HEADERS = ((b"host", b"pay.example"), (b"content-type", b"application/json; charset=utf-8"))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@asynccontextmanager
async def open_door(
    dsn: str, broker_url: str, prefix: str = "", gateway: Gateway | None = None
) -> AsyncIterator[Webhooks]:
    """The door over a database and a broker, with Stripe behind it or another gateway."""
    behind = gateway or Stripe("own", (SECRET,), is_live=False)
    door = Webhooks({behind.name: behind}, dsn, a_celery(broker_url, prefix))
    await door.start()
    try:
        yield door
    finally:
        await door.stop()


def a_celery(broker_url: str, prefix: str = "") -> Celery:
    """A Celery application of its own, apart from that of the workers."""
    return Celery(
        "knocking", broker=broker_url, broker_transport_options={"global_keyprefix": prefix}
    )


def an_event(name: str) -> bytes:
    """An event with a name of its own."""
    return stripe_body("intent_succeeded", id=name)


async def deliver(door: Webhooks, body: bytes) -> Answer:
    """Knocks as Stripe does, signed now."""
    return await knock(door, body, signature=stripe_header(body, at=now()))


async def knock(
    door: Webhooks,
    *parts: bytes,
    signature: bytes | None = None,
    headers: Sequence[tuple[bytes, bytes]] = (),
    path: str = "/webhooks/stripe",
    method: str = "POST",
) -> Answer:
    """One request, its body in parts."""
    signed = () if signature is None else ((b"stripe-signature", signature),)
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [*HEADERS, *signed, *headers],
        "client": ("203.0.113.7", 40000),
    }
    return await ask(door, scope, _messages(parts or (b"",)))


async def ask(door: Webhooks, scope: dict[str, Any], messages: Iterable[Message]) -> Answer:
    """One request, its body whatever these messages bring."""
    coming = iter(messages)
    said: list[Message] = []

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        said.append(message)

    await door(scope, receive, send)
    head, *rest = said
    body = b"".join(message["body"] for message in rest)
    return Answer(head["status"], dict(head["headers"]), body)


def now() -> int:
    """The second it is on the door's clock."""
    return int(clock.now().timestamp())


def kept(dsn: str) -> list[str]:
    """The names of the events in the inbox."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT event_id FROM inbox ORDER BY id").fetchall()
    return [name for (name,) in rows]


def _messages(parts: Sequence[bytes]) -> Iterable[Message]:
    *first, last = parts
    for part in first:
        yield {"type": "http.request", "body": part, "more_body": True}
    yield {"type": "http.request", "body": last, "more_body": False}
