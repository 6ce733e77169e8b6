"""Places at which a real process is stopped for certain, to be killed there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Literal, NamedTuple

from sandbox.running import Running
from tests.stories.gates import Gate, Gates, Standing

_PATIENCE_SECONDS = 60.0


class Locked(NamedTuple):
    """At a row of this table, which other hands have locked."""

    table: str


class Held(NamedTuple):
    """At a gateway, which has the call: it has done nothing, or all of it, and has not answered.

    `text` is what the call is known by; `{about}` in it is the name that the point is about.
    """

    where: Literal["hold_before", "hold_after"]
    text: str = "{about}"


Place = Gate | Locked | Held


@dataclass(frozen=True, slots=True)
class Places:
    """All of one installation. Where a name is asked for, it is what a row or call is about."""

    gates: Gates
    sandbox: Running

    @contextmanager
    def closed(self, place: Place, gateway: str, about: str, row: int = 0) -> Iterator[None]:
        """Nobody who comes there about this name goes on while the block runs."""
        match place:
            case Gate():
                with self.gates.closed(place, about):
                    yield
            case Locked(table):
                with self.gates.locked(table, row):
                    yield
            case Held(where, text):
                self.sandbox.turn(gateway, **{where: text.format(about=about)})
                try:
                    yield
                finally:
                    self.sandbox.turn(gateway, **{where: ""})

    def met(self, place: Place, gateway: str, held_before: int) -> Standing:
        """Who has come there, as soon as somebody has; fails when nobody comes."""
        until = monotonic() + _PATIENCE_SECONDS
        while (standing := self._standing(place, gateway, held_before)) is None:
            assert monotonic() < until, f"nobody comes to {place}"
            sleep(0.05)
        return standing

    def _standing(self, place: Place, gateway: str, held_before: int) -> Standing | None:
        """Who stands there now; a gateway does not know by which name the process goes."""
        if not isinstance(place, Held):
            return next(iter(self.gates.standing()), None)
        is_held = self.held(place, gateway) > held_before
        return (
            Standing("the gateway's caller", f"{gateway} {place.where} {place.text}")
            if is_held
            else None
        )

    def held(self, place: Place, gateway: str) -> int:
        """How many calls were ever held there."""
        return self.sandbox.counted(gateway).get(place.where, 0) if isinstance(place, Held) else 0
