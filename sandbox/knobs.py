"""Trouble on demand: what goes wrong, how often, and how often it really did."""

import asyncio
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal, get_args

Fault = Literal["slow", "error_before", "error_after", "error_kept"]

_FAULTS: tuple[Fault, ...] = get_args(Fault)
_FRACTIONS = ("drop", "duplicate", "delay", "reorder", "corrupt", *_FAULTS)
_SECONDS = ("delay_seconds", "reorder_seconds", "slow_seconds")


class BadKnob(Exception):  # noqa: N818 - says what is so
    """A knob that does not exist, or that cannot be turned so; the message names the way out."""


@dataclass(slots=True)
class Knobs:
    """One gateway's trouble. Fractions are of deliveries, the last four of API calls.

    `error_before`: 500 and nothing done. `error_after`: all done, 500 answered: a lost answer.
    `error_kept`: 500 and nothing done, and the same idempotency key gets that 500 for ever.
    """

    seed: int | None = None
    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    slow: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    error_kept: float = 0.0
    delay_seconds: float = 2.0
    reorder_seconds: float = 0.5
    slow_seconds: float = 2.0
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
            else:
                setattr(self, name, float(str(value)))

    def happens(self, name: str) -> bool:
        """Throw the dice for one knob; whoever acts on it counts."""
        fraction: float = getattr(self, name)
        return fraction > 0 and self._random.random() < fraction

    def fault(self, *, is_post: bool) -> Fault | None:
        """What befalls the API call that begins now; None when all is well."""
        if is_post and self._next:
            return self._next.popleft()
        return next((name for name in _FAULTS if self.happens(name)), None)

    async def linger(self, fault: Fault | None) -> None:
        """Wait, where the fault is to be slow."""
        if fault == "slow":
            self.count("slow")
            await asyncio.sleep(self.slow_seconds)

    def within(self, seconds: float) -> float:
        """A random wait up to so long."""
        return self._random.random() * seconds

    def count(self, name: str) -> None:
        """Note that it really happened."""
        self.counters[name] += 1

    def told(self) -> dict[str, object]:
        """How they stand, and what they have done."""
        stand = {name: getattr(self, name) for name in (*_FRACTIONS, *_SECONDS)}
        return {**stand, "next": list(self._next), "counters": dict(self.counters)}


def _check(name: str, value: object) -> None:
    if name == "next":
        if not isinstance(value, list) or not set(value) <= set(_FAULTS):
            raise BadKnob(f"next is a list of {', '.join(_FAULTS)}")
        return
    if name not in (*_FRACTIONS, *_SECONDS, "seed"):
        known = ", ".join((*_FRACTIONS, *_SECONDS, "seed", "next"))
        raise BadKnob(f"there is no knob {name}; there are {known}")
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadKnob(f"{name} is a number, 0 or more")
    if name in _FRACTIONS and value > 1:
        raise BadKnob(f"{name} is a fraction from 0 to 1")
    if name == "seed" and not isinstance(value, int):
        raise BadKnob("seed is a whole number")
