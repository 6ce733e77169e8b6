"""Public keys that gateways publish: fetched once, held for a day, longer while their host is away.

`authenticate` names an address by the gateway's own rules, before anybody was asked; what is
fetched here proves nothing by itself.
"""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from domain.errors import TryLater

if TYPE_CHECKING:
    import httpx

FETCH_SECONDS = 2.5  # with what else there is to do, a gateway has its answer within three
HELD_SECONDS = 24 * 3600.0
SILENT_SECONDS = 10.0
MOST_BYTES = 64 * 1024
MOST_FETCHES = 4
MOST_WAITING = 200
_MOST_SILENT = 1_000

_AGAIN = timedelta(seconds=5)
_PEM = b"-----BEGIN "

_log = structlog.get_logger(__name__)


class Keys:
    """Keys by their address. `known` is what `authenticate` may use without asking anybody."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}
        self._aged: dict[str, bytes] = {}
        self._silent_until: dict[str, float] = {}
        self._under_way: dict[str, asyncio.Task[bytes]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._waiting = 0
        self._client: asyncio.Task[httpx.AsyncClient] | None = None

    async def fetch(self, address: str) -> bytes:
        """The key, within FETCH_SECONDS; whoever asks for the same one shares the fetch.

        TryLater when it cannot be had, at once for a while after it could not.
        """
        if self._waiting >= MOST_WAITING:
            raise TryLater(_AGAIN, "too many wait for keys")
        self._waiting += 1
        try:
            return await asyncio.shield(self._shared(address))
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Ends what is under way and lets the connections go."""
        for timer in self._timers.values():
            timer.cancel()
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        if self._client is not None:
            await (await self._client).aclose()

    def _shared(self, address: str) -> "asyncio.Task[bytes]":
        task = self._under_way.get(address)
        if task is None:
            if asyncio.get_running_loop().time() < self._silent_until.get(address, 0.0):
                raise TryLater(_AGAIN, "the key could not be had a moment ago")
            if len(self._under_way) >= MOST_FETCHES:
                raise TryLater(_AGAIN, "too many keys are being fetched")
            task = self._under_way[address] = asyncio.create_task(self._fetch(address))
            task.add_done_callback(lambda done: self._end(address, done))
        return task

    def _end(self, address: str, done: "asyncio.Task[bytes]") -> None:
        """Looks at how it ended, as all who waited for it may be gone by now."""
        del self._under_way[address]
        if not done.cancelled():
            done.exception()

    async def _fetch(self, address: str) -> bytes:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                key = await self._get(address)
        except Exception as error:  # noqa: BLE001 - whatever the client raises, there is no new key
            return self._without(address, f"{type(error).__name__}: {error}"[:200])
        self._hold(address, key)
        return key

    def _without(self, address: str, reason: str) -> bytes:
        """The key it gave before; an address never changes its key, so it holds all the same."""
        _log.warning("key_not_fetched", address=address, reason=reason)
        aged = self._aged.get(address)
        if aged is not None:
            self._hold(address, aged, SILENT_SECONDS)
            return aged
        if len(self._silent_until) >= _MOST_SILENT:
            self._silent_until.clear()
        now = asyncio.get_running_loop().time()
        self._silent_until[address] = now + SILENT_SECONDS
        raise TryLater(_AGAIN, "the key could not be had")

    def _hold(self, address: str, key: bytes, seconds: float | None = None) -> None:
        self.known[address] = key
        self._aged.pop(address, None)
        self._silent_until.pop(address, None)
        held_seconds = HELD_SECONDS if seconds is None else seconds
        loop = asyncio.get_running_loop()
        self._timers[address] = loop.call_later(held_seconds, self._age, address)

    def _age(self, address: str) -> None:
        self._aged[address] = self.known.pop(address)
        del self._timers[address]

    async def _get(self, address: str) -> bytes:
        """The body of a plain 200 that looks like a key; no redirect is followed."""
        if self._client is None:
            self._client = asyncio.create_task(asyncio.to_thread(_client))
        client = await asyncio.shield(self._client)
        async with client.stream("GET", address) as answer:
            if answer.status_code != 200:
                raise ValueError(f"the answer is {answer.status_code}")
            key = b""
            async for part in answer.aiter_raw():
                key += part
                if len(key) > MOST_BYTES:
                    raise ValueError("the answer is too long")
        if _PEM not in key:
            raise ValueError("the answer is no PEM")
        return key


def _client() -> "httpx.AsyncClient":
    """Made by the first who needs it, on a thread: the library and its trust store take a while.

    A plain address is one of this machine, and no proxy leads there.
    """
    import httpx

    return httpx.AsyncClient(
        follow_redirects=False,
        timeout=FETCH_SECONDS,
        headers={"accept-encoding": "identity"},
        mounts={"http://": httpx.AsyncHTTPTransport()},
    )
