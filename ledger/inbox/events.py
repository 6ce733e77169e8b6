"""Events as people look for them: which there are, how far they came, and what they left behind."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.store import Books


class State(StrEnum):
    """How far an event has come."""

    RECEIVED = "received"
    PARKED = "parked"
    DONE = "done"
    IGNORED = "ignored"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are looked for; what is None does not matter.

    `reason` is part of the reason, in whatever case. `since` and `before` are instants of arrival.
    """

    ids: tuple[int, ...] | None = None
    states: tuple[State, ...] = tuple(State)
    reason: str | None = None
    gateway: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event without its body. `tries` are those that did not end well; `sha256` in hex."""

    id: int
    gateway: str
    account: str
    event_id: str
    source: str
    kind: str
    state: str
    reason: str | None
    received_at: datetime
    settled_at: datetime | None
    tries: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TryRow:
    """A try that did not end well, so far; a reason of None: it runs, or died without a word."""

    started_at: datetime
    is_alone: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact as it stands; the amount in minor units. `inbox_id` is the event that told it last."""

    id: int
    reference: str
    move: str
    item: str
    status: str
    fact_class: str
    currency: str
    amount_minor: int
    happened_at: datetime
    inbox_id: int


@dataclass(frozen=True, slots=True)
class MovedRow:
    """A posting of one payment; the amount in minor units."""

    id: int
    act_id: int
    kind: str
    source: str
    destination: str
    currency: str
    amount_minor: int
    payment_id: int | None
    invoice_id: int | None
    recorded_at: datetime


_COLUMNS = """
    i.id, i.gateway, i.account, i.event_id, i.source, i.kind, i.state, i.reason, i.received_at,
    i.settled_at, (SELECT count(*) FROM tries WHERE i.id = ANY (inbox_ids)), encode(i.sha256, 'hex')
"""
_IS_WANTED = """
    (CAST(:ids AS bigint[]) IS NULL OR i.id = ANY (CAST(:ids AS bigint[])))
    AND i.state = ANY (CAST(:states AS text[]))
    AND (CAST(:reason AS text) IS NULL OR position(lower(:reason) IN lower(i.reason)) > 0)
    AND (CAST(:gateway AS text) IS NULL OR i.gateway = :gateway)
    AND (CAST(:since AS timestamptz) IS NULL OR i.received_at >= :since)
    AND (CAST(:before AS timestamptz) IS NULL OR i.received_at < :before)
"""


def newest(books: Books, wanted: Wanted, most: int) -> list[EventRow]:
    """The events wanted, latest arrival first, at most `most`."""
    return books.rows(
        EventRow,
        f"SELECT {_COLUMNS} FROM inbox i WHERE {_IS_WANTED}"  # noqa: S608 - constants
        " ORDER BY i.id DESC LIMIT :most",
        most=most,
        **_values(wanted),
    )


def oldest_ids(books: Books, wanted: Wanted, most: int) -> list[int]:
    """The numbers of the events wanted, first arrival first, at most `most`."""
    rows = books.rows(
        _Id,
        f"SELECT i.id FROM inbox i WHERE {_IS_WANTED} ORDER BY i.id LIMIT :most",  # noqa: S608
        most=most,
        **_values(wanted),
    )
    return [row.id for row in rows]


def counts(books: Books, wanted: Wanted) -> dict[State, int]:
    """How many events are wanted, by state."""
    rows = books.rows(
        _Count,
        f"SELECT i.state, count(*) FROM inbox i WHERE {_IS_WANTED}"  # noqa: S608 - constants
        " GROUP BY i.state ORDER BY i.state",
        **_values(wanted),
    )
    return {State(row.state): row.count for row in rows}


def find(books: Books, inbox_id: int) -> EventRow | None:
    """The event of that number, or None."""
    return next(iter(newest(books, Wanted(ids=(inbox_id,)), 1)), None)


def raw(books: Books, inbox_id: int) -> bytes:
    """The body as it arrived, byte for byte. It holds what clients told the gateway of themselves.

    The event exists.
    """
    return bytes(books.value("SELECT raw FROM inbox WHERE id = :id", id=inbox_id))


def tries(books: Books, inbox_id: int) -> list[TryRow]:
    """The tries behind the event, first one first."""
    return books.rows(
        TryRow,
        "SELECT started_at, is_alone, reason FROM tries WHERE :id = ANY (inbox_ids) ORDER BY id",
        id=inbox_id,
    )


def facts(books: Books, event: EventRow, names: Collection[str]) -> list[FactRow]:
    """The facts of the payments that go by these names, as the event tells them."""
    return books.rows(
        FactRow,
        """
        SELECT f.id, f.reference, f.move, f.item, f.status, f.class, f.currency, f.amount_minor,
               f.happened_at, f.inbox_id
        FROM facts f
        WHERE (f.gateway, f.account, f.reference) IN (
            SELECT gateway, account, reference FROM payment_names
            WHERE gateway = :gateway AND account = :account
              AND name = ANY (CAST(:names AS text[])))
        ORDER BY f.id
        """,
        gateway=event.gateway,
        account=event.account,
        names=sorted(names),
    )


def postings(books: Books, fact_ids: list[int]) -> list[MovedRow]:
    """What was posted for the payments that these facts are about."""
    return books.rows(
        MovedRow,
        """
        SELECT p.id, p.act_id, p.kind, p.source, p.destination, p.currency, p.amount_minor,
               p.payment_id, p.invoice_id, p.recorded_at
        FROM postings p
        WHERE p.payment_id IN (
            SELECT m.id FROM payments m
            JOIN facts f ON (f.gateway, f.account, f.reference)
                          = (m.gateway, m.account, m.gateway_reference)
            WHERE f.id = ANY (CAST(:ids AS bigint[])))
        ORDER BY p.id
        """,
        ids=fact_ids,
    )


@dataclass(frozen=True, slots=True)
class _Id:
    id: int


@dataclass(frozen=True, slots=True)
class _Count:
    state: str
    count: int


def _values(wanted: Wanted) -> dict[str, object]:
    return {
        "ids": None if wanted.ids is None else list(wanted.ids),
        "states": [state.value for state in wanted.states],
        "reason": wanted.reason,
        "gateway": wanted.gateway,
        "since": wanted.since,
        "before": wanted.before,
    }
