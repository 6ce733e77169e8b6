"""The door for machines: authenticate, keep, acknowledge; a bare ASGI callable, no framework."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from time import monotonic

import structlog
from celery import Celery

from domain.errors import TryLater, Untrusted
from gateways.port import (
    Delivery,
    Envelope,
    Gateway,
    Malformed,
    Outcome,
    Reply,
    Unreadable,
)
from ledger.inbox.arrivals import ArrivalRow, Arrivals
from ledger.pulse import Pulse
from runtime import metrics, senders, wiring
from runtime.senders import Network
from runtime.settings import settings
from runtime.strangers import Strangers
from webhooks import answering, requests
from webhooks.intake import Intake
from webhooks.nudger import Nudger
from webhooks.proving import Proving
from webhooks.readiness import Readiness
from webhooks.requests import Receive, Scope, Send, Unacceptable
from workers.app import app
from workers.nudges import Nudges

_JSON = b"application/json"
_ALIVE = Reply(200, b'{"alive":true}', _JSON)
_NOT_FOUND = Reply(404, b'{"error":"not found"}', _JSON)
_WRONG_METHOD = Reply(405, b'{"error":"method not allowed"}', _JSON)
_TOO_MANY = Reply(429, b'{"error":"too many"}', _JSON)
MOST_REFUSALS_PER_MINUTE = 600

_log = structlog.get_logger(__name__)

Handler = Callable[[Scope, Receive], Awaitable[Reply]]
Route = tuple[Sequence[str] | None, Handler]  # None: whatever the method, the handler answers

_TAKEN = frozenset({Outcome.KEPT, Outcome.DUPLICATE, Outcome.DIFFERS})


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
        self._proving = Proving(dsn)
        self._readiness = Readiness(self._pulse, self._looks.ping, self._intake)
        self._strangers = Strangers(MOST_REFUSALS_PER_MINUTE)
        self._proxies = proxies
        self._routes: dict[str, Route] = {
            "/healthz": (("GET", "HEAD"), _alive),
            "/readyz": (("GET", "HEAD"), self._ready),
        }
        self._secretive: dict[str, Gateway] = {}
        for gateway in gateways.values():
            path, door = f"/webhooks/{gateway.name}", gateway.capabilities.door
            methods = None if door.has_own_words else ("POST",)
            self._routes[path] = (methods, partial(self._deliver, gateway, None))
            if door.has_secret:
                self._secretive[path] = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        route = self._routes.get(scope["path"]) or self._secret_route(scope["path"])
        if route is None:
            return await answering.send(send, _NOT_FOUND)
        methods, handler = route
        if methods is not None and scope["method"] not in methods:
            return await answering.send(
                send, _WRONG_METHOD, (b"allow", ", ".join(methods).encode())
            )
        try:
            reply = await handler(scope, receive)
        except Unacceptable as refusal:
            return await answering.send(send, refusal.reply, answering.CLOSE)
        return await answering.send(send, reply)

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
        await self._proving.close()
        await asyncio.to_thread(self._nudger.stop)
        await self._arrivals.close()
        await self._pulse.close()
        self._nudges.close()
        self._looks.close()

    def _secret_route(self, path: str) -> Route | None:
        """The way to a gateway whose address goes on with a secret, whatever that is."""
        above, _, secret = path.rpartition("/")
        gateway = self._secretive.get(above)
        return None if gateway is None else (None, partial(self._deliver, gateway, secret))

    async def _deliver(
        self, gateway: Gateway, secret: str | None, scope: Scope, receive: Receive
    ) -> Reply:
        """The walk of one delivery up to the moment it is safe."""
        try:
            body = await requests.body(scope, receive)
            delivery = Delivery(tuple(scope["headers"]), body, scope["method"], secret)
            envelope = await self._proving.prove(gateway, delivery)
        except Unacceptable as refusal:
            raise Unacceptable(_worded(gateway, refusal.reply)) from None
        except Untrusted as refusal:
            return self._refuse(gateway, refusal, scope)
        except TryLater:
            metrics.told(gateway.name, Outcome.BUSY, 1)
            return gateway.reply(Outcome.BUSY)
        outcome = await self._intake.take(arrival(gateway, envelope, body))
        if outcome is Outcome.BUSY:
            metrics.told(gateway.name, outcome, 1)
        if envelope.thanks is not None and outcome in _TAKEN:
            return envelope.thanks
        return gateway.reply(outcome)

    def _refuse(self, gateway: Gateway, refusal: Untrusted, scope: Scope) -> Reply:
        """Counts, and says nothing about the reason: a forger would learn from it."""
        if isinstance(refusal, Unreadable):
            metrics.unreadable(gateway.name)
            _log.warning("unreadable_delivery", gateway=gateway.name, reason=refusal.reason)
            return gateway.reply(Outcome.UNTRUSTED)
        metrics.told(gateway.name, Outcome.UNTRUSTED, 1)
        sender = senders.address(scope, self._proxies)
        if self._strangers.is_flooding(sender, monotonic()):
            return _worded(gateway, _TOO_MANY)
        is_final = isinstance(refusal, Malformed)
        return gateway.reply(Outcome.MALFORMED if is_final else Outcome.UNTRUSTED)

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
        raw=body if envelope.kept is None else envelope.kept,
        sha256=sha256(body if envelope.words is None else envelope.words).digest(),
    )


def _worded(gateway: Gateway, reply: Reply) -> Reply:
    """A refusal of ours; whoever wants to hear his own words is told to come again in them."""
    has_own = gateway.capabilities.door.has_own_words
    return gateway.reply(Outcome.UNTRUSTED) if has_own else reply


async def _alive(_: Scope, __: Receive) -> Reply:
    return _ALIVE
