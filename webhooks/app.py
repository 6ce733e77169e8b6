"""The door for machines: authenticate, keep, acknowledge; a bare ASGI callable, no framework."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from hashlib import sha256
from time import monotonic

import structlog
from celery import Celery

from domain.errors import TryLater, Untrusted
from gateways.port import Delivery, Envelope, Gateway, NeedsKey, Outcome, Reply, Unreadable
from ledger.inbox.arrivals import ArrivalRow, Arrivals
from ledger.pulse import Pulse
from runtime import clock, metrics, senders, wiring
from runtime.senders import Network
from runtime.settings import settings
from runtime.strangers import Strangers
from webhooks import requests
from webhooks.intake import Intake
from webhooks.keys import Keys
from webhooks.nudger import Nudger
from webhooks.readiness import Readiness
from webhooks.requests import Message, Receive, Scope, Send, Unacceptable
from workers.app import app
from workers.nudges import Nudges

_JSON = b"application/json"
_ALIVE = Reply(200, b'{"alive":true}', _JSON)
_NOT_FOUND = Reply(404, b'{"error":"not found"}', _JSON)
_WRONG_METHOD = Reply(405, b'{"error":"method not allowed"}', _JSON)
_TOO_MANY = Reply(429, b'{"error":"too many"}', _JSON)
_RETRY_AFTER_SECONDS = 5
MOST_REFUSALS_PER_MINUTE = 600
_CLOSING = frozenset({408, 413, 415})

_log = structlog.get_logger(__name__)

Handler = Callable[[Scope, Receive], Awaitable[Reply]]


class Webhooks:
    """The ASGI callable. Whoever mounts it without lifespan calls `start` and `stop`.

    What `proxies` say of whom they speak for is believed.
    """

    def __init__(
        self,
        gateways: Mapping[str, Gateway],
        dsn: str,
        celery: Celery,
        proxies: Sequence[Network] = (),
    ) -> None:
        self._arrivals = Arrivals(dsn)
        self._pulse = Pulse(dsn)
        self._nudges, self._looks = Nudges(celery), Nudges(celery)  # one per thread
        self._nudger = Nudger(self._nudges.send)
        self._intake = Intake(self._arrivals.keep, self._nudger.nudge)
        self._keys = Keys()
        self._readiness = Readiness(self._pulse, self._looks.ping, self._intake)
        self._strangers = Strangers(MOST_REFUSALS_PER_MINUTE)
        self._proxies = proxies
        self._routes: dict[str, tuple[tuple[str, ...], Handler]] = {
            "/healthz": (("GET", "HEAD"), _alive),
            "/readyz": (("GET", "HEAD"), self._ready),
        }
        for gateway in gateways.values():
            handler = partial(self._deliver, gateway)
            self._routes[f"/webhooks/{gateway.name}"] = (("POST",), handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        route = self._routes.get(scope["path"])
        if route is None:
            return await _send(send, _NOT_FOUND)
        methods, handler = route
        if scope["method"] not in methods:
            return await _send(send, _WRONG_METHOD, (b"allow", ", ".join(methods).encode()))
        return await _send(send, await handler(scope, receive))

    def owns(self, path: str) -> bool:
        """Whether an address is answered here, and not by a neighbour under the same roof."""
        return path in self._routes or path.startswith("/webhooks")

    async def start(self) -> None:
        """Begins to take in, in the running event loop."""
        self._intake.start()
        self._nudger.start()

    async def stop(self) -> None:
        """Ends when everybody has an answer and the last nudge is sent."""
        await self._intake.stop()
        await self._keys.close()
        await asyncio.to_thread(self._nudger.stop)
        await self._arrivals.close()
        await self._pulse.close()
        self._nudges.close()
        self._looks.close()

    async def _deliver(self, gateway: Gateway, scope: Scope, receive: Receive) -> Reply:
        """The walk of one delivery up to the moment it is safe."""
        try:
            body = await requests.body(scope, receive)
            delivery = Delivery(tuple(scope["headers"]), body)
            try:
                envelope = gateway.authenticate(delivery, self._keys.known, clock.now())
            except NeedsKey as needed:
                envelope = await self._with_key(gateway, delivery, needed.address)
        except Unacceptable as refusal:
            return refusal.reply
        except Untrusted as refusal:
            return self._refuse(gateway, refusal, scope)
        except TryLater:
            metrics.told(gateway.name, Outcome.BUSY, 1)
            return gateway.reply(Outcome.BUSY)
        outcome = await self._intake.take(arrival(gateway, envelope, body))
        if outcome is Outcome.BUSY:
            metrics.told(gateway.name, outcome, 1)
        return gateway.reply(outcome)

    async def _with_key(self, gateway: Gateway, delivery: Delivery, address: str) -> Envelope:
        """Authenticates once more with the key that was missing; TryLater where it stays so."""
        key = await self._keys.fetch(address)
        return gateway.authenticate(delivery, {address: key}, clock.now())

    def _refuse(self, gateway: Gateway, refusal: Untrusted, scope: Scope) -> Reply:
        """Counts, and says nothing about the reason: a forger would learn from it."""
        if isinstance(refusal, Unreadable):
            metrics.unreadable(gateway.name)
            _log.warning("unreadable_delivery", gateway=gateway.name, reason=refusal.reason)
            return gateway.reply(Outcome.UNTRUSTED)
        metrics.told(gateway.name, Outcome.UNTRUSTED, 1)
        sender = senders.address(scope, self._proxies)
        if self._strangers.is_flooding(sender, monotonic()):
            return _TOO_MANY
        return gateway.reply(Outcome.UNTRUSTED)

    async def _ready(self, _: Scope, __: Receive) -> Reply:
        parts = await self._readiness.parts()
        return Reply(200 if all(parts.values()) else 503, json.dumps(parts).encode(), _JSON)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def build() -> Webhooks:
    """The door of this process, from its settings; shows the metrics beside it.

    Refused when the settings name another account than the books.
    """
    wiring.confirm_accounts()
    metrics.expect(wiring.gateways())
    try:
        metrics.serve(wiring.store(), settings().metrics_host, settings().metrics_port)
    except OSError as error:  # no reason to turn payments away
        _log.warning("metrics_not_shown", port=settings().metrics_port, reason=str(error))
    return Webhooks(wiring.gateways(), wiring.database_url(), app, settings().proxies)


def arrival(gateway: Gateway, envelope: Envelope, body: bytes) -> ArrivalRow:
    """What is kept of a delivery that was found genuine."""
    return ArrivalRow(
        gateway=gateway.name,
        account=envelope.account,
        event_id=envelope.event_id,
        binding=envelope.binding,
        kind=envelope.kind,
        headers=json.dumps(envelope.headers_to_keep),
        raw=body,
        sha256=sha256(body).digest(),
    )


async def _alive(_: Scope, __: Receive) -> Reply:
    return _ALIVE


async def _send(send: Send, reply: Reply, *headers: tuple[bytes, bytes]) -> None:
    await send(_head(reply, headers))
    await send({"type": "http.response.body", "body": reply.body})


@cache
def _head(reply: Reply, more: tuple[tuple[bytes, bytes], ...]) -> Message:
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", str(len(reply.body)).encode()),
        *more,
    ]
    if reply.status == 503:
        headers.append((b"retry-after", str(_RETRY_AFTER_SECONDS).encode()))
    if reply.status in _CLOSING:
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}
