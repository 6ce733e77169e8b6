"""Trouble on demand: what goes wrong, how often, and how often it really did."""

import asyncio
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal, get_args

Fault = Literal["slow", "error_before", "error_after", "error_kept"]

_FAULTS: tuple[Fault, ...] = get_args(Fault)
# Of what is not known of MobilPay, or odd at NETOPIA.
_QUIRKS = ("fresh_crc", "minus", "new_purchase", "other_amount", "in_lei")
_FRACTIONS = ("drop", "duplicate", "delay", "reorder", "corrupt", *_QUIRKS, *_FAULTS)
_NUMBERS = ("copies",)
_SECONDS = ("delay_seconds", "reorder_seconds", "slow_seconds", "hold_seconds")

Hold = Literal["hold_before", "hold_after"]

_HOLDS: tuple[Hold, ...] = get_args(Hold)


_LOOK_SECONDS = 0.01


class BadKnob(Exception):  # noqa: N818 - says what is so
    """A knob that does not exist, or that cannot be turned so; the message names the way out."""


@dataclass(slots=True)
class Knobs:
    """One gateway's trouble. Fractions are of deliveries, `slow` and the errors of API calls.

    `copies`: how many more a duplicated event is.

    `fresh_crc`: of MobilPay's resends, those with another timestamp and crc. `minus`: of its
    refunds, those told as a negative amount. `new_purchase`: of tries after a refused one, those
    that are another purchase.

    `hold_before`, `hold_after`: a call in which this text occurs stands still, before anything is
    done, or when all is done and not answered; until the text is another one.

    `error_before`: 500 and nothing done. `error_after`: all done, 500 answered: a lost answer.
    `error_kept`: 500 and nothing done, and the same idempotency key gets that 500 for ever.

    `other_amount` is of NETOPIA's refunds: approved with another amount, and nothing done.
    `in_lei` is of its payments in another currency: told in lei, at a rate of its own.
    """

    seed: int | None = None
    drop: float = 0.0
    duplicate: float = 0.0
    copies: float = 1.0
    delay: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    slow: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    error_kept: float = 0.0
    fresh_crc: float = 0.0
    minus: float = 0.0
    new_purchase: float = 0.0
    other_amount: float = 0.0
    in_lei: float = 0.0
    hold_before: str = ""
    hold_after: str = ""
    delay_seconds: float = 2.0
    reorder_seconds: float = 0.5
    slow_seconds: float = 2.0
    hold_seconds: float = 60.0
    counters: Counter[str] = field(default_factory=Counter)
    _next: deque[Fault] = field(default_factory=deque)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable, no secret

    def turn(self, wanted: dict[str, object]) -> None:
        """Set some of them, all or none; BadKnob tells which name or value is wrong.

        `next` lists faults for the coming POST calls, one each; `seed` begins the dice anew.
        """
        for name, value in wanted.items():
            _check(name, value)
        for name, value in wanted.items():
            if name == "seed":
                self._random = random.Random(int(str(value)))  # noqa: S311 - repeatable
            elif name == "next" and isinstance(value, list):
                self._next.extend(value)
            elif name in _HOLDS:
                setattr(self, name, value)
            else:
                setattr(self, name, float(str(value)))

    def happens(self, name: str) -> bool:
        """Throw the dice for one knob; whoever acts on it counts."""
        fraction: float = getattr(self, name)
        return fraction > 0 and self._random.random() < fraction

    def fault(self, *, is_post: bool) -> Fault | None:
        """What befalls the API call that begins now, and is counted; None when all is well."""
        self.count("calls")
        if is_post and self._next:
            return self._next.popleft()
        return next((name for name in _FAULTS if self.happens(name)), None)

    async def linger(self, fault: Fault | None, call: str) -> None:
        """Wait, where the call is held or the fault is to be slow."""
        await self.hold("hold_before", call)
        if fault == "slow":
            self.count("slow")
            await asyncio.sleep(self.slow_seconds)

    async def hold(self, where: Hold, call: str) -> None:
        """Stand still as long as this call is held, `hold_seconds` at most."""
        text: str = getattr(self, where)
        if not text or text not in call:
            return
        self.count(where)
        until = monotonic() + self.hold_seconds
        while getattr(self, where) == text and monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS)

    def within(self, seconds: float) -> float:
        """A random wait up to so long."""
        return self._random.random() * seconds

    def count(self, name: str) -> None:
        """Note that it really happened."""
        self.counters[name] += 1

    def told(self) -> dict[str, object]:
        """How they stand, and what they have done."""
        stand = {name: getattr(self, name) for name in (*_FRACTIONS, *_NUMBERS, *_SECONDS, *_HOLDS)}
        return {**stand, "next": list(self._next), "counters": dict(self.counters)}


def _check(name: str, value: object) -> None:
    if name == "next":
        if not isinstance(value, list) or not set(value) <= set(_FAULTS):
            raise BadKnob(f"next is a list of {', '.join(_FAULTS)}")
        return
    if name in _HOLDS:
        if not isinstance(value, str):
            raise BadKnob(f"{name} is a text that occurs in the call, or empty")
        return
    _check_figure(name, value)


def _check_figure(name: str, value: object) -> None:
    if name not in (*_FRACTIONS, *_NUMBERS, *_SECONDS, "seed"):
        known = ", ".join((*_FRACTIONS, *_NUMBERS, *_SECONDS, *_HOLDS, "seed", "next"))
        raise BadKnob(f"there is no knob {name}; there are {known}")
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadKnob(f"{name} is a number, 0 or more")
    if name in _FRACTIONS and value > 1:
        raise BadKnob(f"{name} is a fraction from 0 to 1")
    if name == "seed" and not isinstance(value, int):
        raise BadKnob("seed is a whole number")
