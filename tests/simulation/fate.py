"""Who dies, and where: every commit of the product is a point where a process may be killed.

A point is named after the function that commits, so one that is added tomorrow is hit tomorrow.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import FrameType

from sqlalchemy import event

from ledger.store import Books, Store

_LOCK_PATIENCE = "40ms"  # whom one waits for is asleep in the same thread: it will not let go
_DOORS = {__name__, "ledger.store", "contextlib", "tests.simulation.world"}

Side = str  # "before" or "after" the commit


class Died(BaseException):
    """Stands for kill -9: nothing after it runs, and no handler of the product sees it."""

    def __init__(self, where: str, *, is_committed: bool = False) -> None:
        super().__init__(where)
        self.is_committed = is_committed


@dataclass(slots=True)
class Fate:
    """Decides by the dice of the run; what never happened yet is likelier to happen next."""

    dice: Random
    is_armed: bool = False
    passed: Counter[str] = field(default_factory=Counter)
    died: Counter[tuple[str, Side]] = field(default_factory=Counter)
    cut: int = 0
    _statements_left: int = 0
    _meanwhile: Callable[[], None] | None = None

    def at_commit(self, point: str, side: Side) -> None:
        """A commit is about to be made, or has just been made."""
        self.passed[point] += side == "before"
        if not self.is_armed:
            return
        chance = 0.03 if self.died[point, side] else 0.7
        if self.dice.random() < chance:
            self.died[point, side] += 1
            raise Died(f"{side} the commit of {point}", is_committed=side == "after")

    def plan(self, statements: int, meanwhile: Callable[[], None] | None) -> None:
        """After so many statements somebody else acts; None: the connection is cut there."""
        self._statements_left, self._meanwhile = statements, meanwhile

    def call_off(self) -> None:
        """Nothing is planned any more."""
        self._statements_left = 0

    def at_statement(self) -> None:
        """A statement is about to be sent."""
        if self._statements_left:
            self._statements_left -= 1
            if not self._statements_left:
                self._strike()

    def _strike(self) -> None:
        if self._meanwhile is None:
            self.cut += 1
            raise Died("between two statements")
        self._meanwhile()


class MortalStore(Store):
    """The product's store; whoever uses it may die around every commit, and between statements."""

    def __init__(self, dsn: str, fate: Fate) -> None:
        super().__init__(dsn, pool_size=2)
        self._fate = fate
        event.listen(self.engine, "connect", _impatient)
        event.listen(self.engine, "before_cursor_execute", lambda *_: fate.at_statement())

    @contextmanager
    def transaction(self) -> Iterator[Books]:
        point = _committer(sys._getframe(1))
        with super().transaction() as books:
            yield books
            self._fate.at_commit(point, "before")
        self._fate.at_commit(point, "after")


def _impatient(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined] # a DBAPI connection has no type
    cursor.execute(f"SET lock_timeout = '{_LOCK_PATIENCE}'")
    cursor.close()
    connection.commit()  # type: ignore[attr-defined] # as above


def _committer(frame: FrameType | None) -> str:
    """The first function outside the door itself, as `module.function`."""
    while frame is not None and frame.f_globals["__name__"] in _DOORS:
        frame = frame.f_back
    assert frame is not None
    module = str(frame.f_globals["__name__"]).rpartition(".")[2]
    return f"{module}.{frame.f_code.co_name}"
