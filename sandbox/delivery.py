"""The post: carries events to Incasso, again and again, with the trouble that knobs ask for."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from sandbox.knobs import Knobs

_MINUTE, _HOUR = 60, 3600

# Live Stripe tries for three days, ever more seldom; PayPal up to 25 times in three days.
STRIPE_RETRIES = (_MINUTE, 5 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, *[6 * _HOUR] * 11)
PAYPAL_RETRIES = (*[2 * _MINUTE] * 5, *[_HOUR] * 5, *[4 * _HOUR] * 15)

_ANSWER_SECONDS = 10.0
_AT_ONCE = 16


@dataclass(slots=True)
class Transmission:
    """One transmission of an event; a duplicate is another one of the same event."""

    number: int
    event_id: str
    body: bytes
    named: tuple[str, str] | None = None  # the id and time that PayPal's first attempt signed


# The headers of one attempt, the signature among them.
Sign = Callable[[Transmission], dict[str, str]]


class Post:
    """One gateway's deliveries. Everything here runs on one event loop."""

    def __init__(self, address: str, sign: Sign, knobs: Knobs, waits: Sequence[float]) -> None:
        self._address = address
        self._sign = sign
        self._knobs = knobs
        self._waits = waits
        self._client: httpx.AsyncClient | None = None
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()
        self._sent = 0
        self._latest = 0
        self.delivered: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many transmissions are neither delivered nor given up."""
        return len(self._under_way)

    def send(self, event_id: str, body: bytes) -> None:
        """Take an event; it leaves at once unless a knob says otherwise."""
        self._knobs.count("events")
        if self._knobs.happens("drop"):
            self._knobs.count("dropped")
            return
        self._carry(event_id, body)
        if self._knobs.happens("duplicate"):
            self._knobs.count("duplicated")
            self._carry(event_id, body)

    def resend(self, event_id: str, body: bytes) -> None:
        """Send what was sent before, untouched by the knobs that lose or double."""
        self._carry(event_id, body)

    async def close(self) -> None:
        """Drop what is under way and close the connections."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _carry(self, event_id: str, body: bytes) -> None:
        self._sent += 1
        task = asyncio.get_running_loop().create_task(
            self._travel(Transmission(self._sent, event_id, body), self._pause())
        )
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _pause(self) -> float:
        pause = 0.0
        if self._knobs.happens("delay"):
            self._knobs.count("delayed")
            pause += self._knobs.delay_seconds
        if self._knobs.happens("reorder"):
            pause += self._knobs.within(self._knobs.reorder_seconds)
        return pause

    async def _travel(self, message: Transmission, pause: float) -> None:
        await asyncio.sleep(pause)
        if message.number < self._latest:
            self._knobs.count("overtaken")
        self._latest = max(self._latest, message.number)
        for wait in (*self._waits, None):
            if await self._attempt(message):
                self.delivered.add(message.event_id)
                return
            if wait is None:
                break
            self._knobs.count("retried")
            await asyncio.sleep(wait)
        self._knobs.count("given_up")

    async def _attempt(self, message: Transmission) -> bool:
        """Whether it was taken: any answer of 2xx; a redirect is none."""
        headers = self._sign(message)
        is_corrupt = self._knobs.happens("corrupt")
        body = self._spoilt(message.body) if is_corrupt else message.body
        async with self._places:
            self._knobs.count("attempts")
            try:
                answer = await self._line().post(self._address, content=body, headers=headers)
            except httpx.HTTPError:
                self._knobs.count("unreachable")
                return False
        if is_corrupt:
            self._knobs.count("corrupted")
            self._knobs.count("corrupt_accepted" if answer.is_success else "corrupt_refused")
            return False
        self._knobs.count("accepted" if answer.is_success else "refused")
        return answer.is_success

    def _spoilt(self, body: bytes) -> bytes:
        """The body with one byte changed after it was signed."""
        place = int(self._knobs.within(len(body)))
        return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]

    def _line(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False)
        return self._client
