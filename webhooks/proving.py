"""Whether a delivery is genuine, with what that may take: a key to fetch, a thread, a look."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from domain.errors import TryLater
from gateways.port import Delivery, Envelope, Gateway, Malformed, NeedsKey
from ledger.links.vouching import Vouching
from runtime import clock
from webhooks.keys import Keys

_HANDS = 2
_PATIENCE_SECONDS = 4.0

_log = structlog.get_logger(__name__)


class Proving:
    """Proves deliveries; what takes a private key is done by two threads, beside the event loop."""

    def __init__(self, dsn: str) -> None:
        self._keys = Keys()
        self._vouching = Vouching(dsn)
        self._hands = ThreadPoolExecutor(_HANDS, "opens-seals")

    async def prove(self, gateway: Gateway, delivery: Delivery) -> Envelope:
        """The envelope of a genuine delivery; Untrusted where it is none, TryLater when busy."""
        if gateway.capabilities.door.is_laborious:
            envelope = await self._beside(gateway, delivery)
        else:
            envelope = await self._at_once(gateway, delivery)
        if envelope.claim is not None:
            await self._look(gateway, envelope)
        return envelope

    async def close(self) -> None:
        """Gives back what it holds."""
        await self._keys.close()
        await self._vouching.close()
        self._hands.shutdown(wait=False, cancel_futures=True)

    async def _at_once(self, gateway: Gateway, delivery: Delivery) -> Envelope:
        try:
            return gateway.authenticate(delivery, self._keys.known, clock.now())
        except NeedsKey as needed:
            address = needed.address
        key = await self._keys.fetch(address)
        return gateway.authenticate(delivery, {address: key}, clock.now())

    async def _beside(self, gateway: Gateway, delivery: Delivery) -> Envelope:
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(
            self._hands, gateway.authenticate, delivery, self._keys.known, clock.now()
        )
        try:
            return await asyncio.wait_for(work, _PATIENCE_SECONDS)
        except TimeoutError:
            raise TryLater(timedelta(seconds=5), "too many seals to open") from None

    async def _look(self, gateway: Gateway, envelope: Envelope) -> None:
        """Malformed unless an attempt of ours is just what the delivery says it is of."""
        assert envelope.claim is not None
        order_id, money = envelope.claim
        if not await self._vouching.is_ours(gateway.name, envelope.account, order_id, money):
            _log.warning("claim_refused", gateway=gateway.name)
            raise Malformed("no attempt of ours is what it says")
