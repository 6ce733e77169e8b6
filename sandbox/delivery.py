"""The post: carries events to Incasso, again and again, with the trouble that knobs ask for."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from sandbox.knobs import Knobs

_MINUTE, _HOUR = 60, 3600

# Live Stripe tries for three days, ever more seldom; PayPal up to 25 times in three days.
STRIPE_RETRIES = (_MINUTE, 5 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, *[6 * _HOUR] * 11)
PAYPAL_RETRIES = (*[2 * _MINUTE] * 5, *[_HOUR] * 5, *[4 * _HOUR] * 15)
# How long and how often NETOPIA goes on is not published.
NETOPIA_RETRIES = (*[_MINUTE] * 5, *[10 * _MINUTE] * 6, *[_HOUR] * 23)

_ANSWER_SECONDS = 10.0
_AT_ONCE = 16


# What an answer means to the gateway: it is done, it comes again, it never comes again.
Verdict = Literal["taken", "again", "never"]

Judge = Callable[[httpx.Response], Verdict]


@dataclass(slots=True)
class Transmission:
    """One transmission of an event; a duplicate is another one of the same event.

    `repeated` is for whoever wraps it: what the first attempt said and each later one says again.
    """

    number: int
    event_id: str
    body: bytes
    address: str
    repeated: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one attempt carries: the headers, the content type and the signature among them."""

    headers: dict[str, str]
    body: bytes


# Called for each attempt.
Wrap = Callable[[Transmission], Envelope]

# What the first attempt came to, once it has; None where a knob lost the event.
First = asyncio.Future[Verdict | None]


def by_status(answer: httpx.Response) -> Verdict:
    """Taken is any answer of 2xx; a redirect is none."""
    return "taken" if answer.is_success else "again"


class Post:
    """One gateway's deliveries. Everything here runs on one event loop."""

    def __init__(
        self, address: str, wrap: Wrap, knobs: Knobs, waits: Sequence[float], judge: Judge
    ) -> None:
        self.knobs = knobs
        self._address = address
        self._wrap = wrap
        self._waits = waits
        self._judge = judge
        self._events: dict[str, tuple[bytes, str]] = {}
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

    def send(self, event_id: str, body: bytes, address: str | None = None) -> First:
        """Take an event; it leaves at once unless a knob says otherwise.

        It goes to the address of its own, where it has one. Whoever wants to know how its first
        attempt ended awaits what this returns; cancelled when the post is closed before.
        """
        self._events[event_id] = body, address or self._address
        self.knobs.count("events")
        if self.knobs.happens("drop"):
            self.knobs.count("dropped")
            lost: First = asyncio.get_running_loop().create_future()
            lost.set_result(None)
            return lost
        first = self._carry(event_id)
        if self.knobs.happens("duplicate"):
            self.knobs.count("duplicated")
            for _ in range(int(self.knobs.copies)):
                self._carry(event_id)
        return first

    def resend(self, event_id: str) -> First:
        """Send what was sent before, untouched by the knobs that lose or double."""
        return self._carry(event_id)

    def resend_undelivered(self) -> int:
        """Send once more every event that nobody has taken; how many these were."""
        missing = [each for each in self._events if each not in self.delivered]
        for each in missing:
            self.resend(each)
        return len(missing)

    async def close(self) -> None:
        """Drop what is under way and close the connections."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _carry(self, event_id: str) -> First:
        self._sent += 1
        message = Transmission(self._sent, event_id, *self._events[event_id])
        first: First = asyncio.get_running_loop().create_future()
        task = first.get_loop().create_task(self._travel(message, self._pause(), first))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        task.add_done_callback(lambda _: first.cancel())  # only where it has not ended
        return first

    def _pause(self) -> float:
        pause = 0.0
        if self.knobs.happens("delay"):
            self.knobs.count("delayed")
            pause += self.knobs.delay_seconds
        if self.knobs.happens("reorder"):
            pause += self.knobs.within(self.knobs.reorder_seconds)
        return pause

    async def _travel(self, message: Transmission, pause: float, first: First) -> None:
        await asyncio.sleep(pause)
        if message.number < self._latest:
            self.knobs.count("overtaken")
        self._latest = max(self._latest, message.number)
        for wait in (*self._waits, None):
            verdict = await self._attempt(message)
            if not first.done():
                first.set_result(verdict)
            if verdict == "taken":
                self.delivered.add(message.event_id)
                return
            if verdict == "never" or wait is None:
                break
            self.knobs.count("retried")
            await asyncio.sleep(wait)
        self.knobs.count("given_up")

    async def _attempt(self, message: Transmission) -> Verdict:
        """What came of it; what was spoilt on its way comes again, whatever is answered."""
        envelope = self._wrap(message)
        is_corrupt = self.knobs.happens("corrupt")
        body = self._spoilt(envelope.body) if is_corrupt else envelope.body
        async with self._places:
            self.knobs.count("attempts")
            try:
                answer = await self._line().post(
                    message.address, content=body, headers=envelope.headers
                )
            except httpx.HTTPError:
                self.knobs.count("unreachable")
                return "again"
        verdict = self._judge(answer)
        if is_corrupt:
            self.knobs.count("corrupted")
            self.knobs.count("corrupt_accepted" if verdict == "taken" else "corrupt_refused")
            return "again"
        self.knobs.count("accepted" if verdict == "taken" else "refused")
        if verdict == "never":
            self.knobs.count("told_never")
        return verdict

    def _spoilt(self, body: bytes) -> bytes:
        """The body with one byte changed after it was signed."""
        place = int(self.knobs.within(len(body)))
        return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]

    def _line(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False)
        return self._client
