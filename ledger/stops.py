"""Stops: work that stands still because a person said so, until a person resumes it.

A stop is a row, read inside the transaction of the work it stops; so running processes obey it with
the next thing they take up, and nobody has to be told. What arrives is kept all the same.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.books import journal
from ledger.store import Books


class Stop(StrEnum):
    """What can be stopped."""

    LETTERS = "letters"
    SETTLING = "settling"
    REFUNDS = "refunds"


@dataclass(frozen=True, slots=True)
class StopRow:
    """What stands still, why, and who said so; the instant in UTC."""

    what: str
    reason: str
    actor: str
    stopped_at: datetime


def standing(books: Books) -> list[StopRow]:
    """Everything that is stopped, longest first."""
    return books.rows(
        StopRow, "SELECT what, reason, actor, stopped_at FROM stops ORDER BY stopped_at, what"
    )


def are_letters_stopped(books: Books) -> bool:
    """Whether no letter may go out: letters are stopped, or the settling that must precede them."""
    return bool(
        books.value("SELECT EXISTS (SELECT FROM stops WHERE what IN ('letters', 'settling'))")
    )


def is_settling_stopped(books: Books) -> bool:
    """Whether nothing is booked for now."""
    return bool(books.value("SELECT EXISTS (SELECT FROM stops WHERE what = 'settling')"))


def are_refunds_stopped(books: Books) -> bool:
    """Whether no refund of ours goes out; those that are said meanwhile are reserved and wait."""
    return bool(books.value("SELECT EXISTS (SELECT FROM stops WHERE what = 'refunds')"))


def put(books: Books, what: Stop, actor: str, reason: str) -> bool:
    """Stops it; False when it was stopped already, and the first reason stays."""
    is_new = books.run(
        "INSERT INTO stops (what, reason, actor) VALUES (:what, :reason, :actor)"
        " ON CONFLICT ON CONSTRAINT stops_pkey DO NOTHING",
        what=what.value,
        reason=reason,
        actor=actor,
    )
    if is_new:
        journal.record(books, journal.Act(actor, "stop", reason, after={"stop": what.value}))
    return bool(is_new)


def remove(books: Books, what: Stop, actor: str, reason: str | None) -> bool:
    """Lets it go on; False when it was not stopped. A reason of None: nobody gave one."""
    was_stopped = books.run("DELETE FROM stops WHERE what = :what", what=what.value)
    if was_stopped:
        journal.record(books, journal.Act(actor, "resume", reason, before={"stop": what.value}))
    return bool(was_stopped)
