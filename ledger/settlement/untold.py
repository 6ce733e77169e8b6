"""Notices that something went back, and not how much: those of refunds of ours, and the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.refunds import GONE
from ledger.settlement.naming import Reference
from ledger.store import Books, columns

_LATEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """What the event `inbox_id` tells of a payment; `at` is when the refund was made.

    Without `at` it is an answer to a question of ours: that something went back at some time.
    """

    inbox_id: int
    payment: Reference
    at: datetime | None


def new(books: Books, notices: Sequence[Notice]) -> set[int]:
    """The events of which a person is to be asked, each once for ever.

    One refund of ours that went is told of by one instant. While nobody knows whether it went a
    person is asked: what ends it closes the question. Hold the payments' main names.
    """
    if not notices:
        return set()  # nearly always
    known = _known(books, notices)
    asked, told = set[int](), dict[int, datetime]()
    for notice in notices:
        rows = [row for row in known if row.inbox_id == notice.inbox_id]
        if any(row.was_asked for row in rows):
            continue
        meant = _meant(notice, rows, told)
        if meant is None:
            asked.add(notice.inbox_id)
        elif notice.at is not None:
            told[meant] = notice.at
    _note(books, told)
    return asked


@dataclass(frozen=True, slots=True)
class _Row:
    """An event and a refund of its payment; without one, `id` and the rest are None."""

    inbox_id: int
    received_at: datetime
    was_asked: bool
    id: int | None
    state: str | None
    created_at: datetime | None
    closed_at: datetime | None
    told_at: datetime | None

    @property
    def is_after(self) -> bool:
        """Whether the event came when there was a refund already."""
        return self.created_at is not None and self.received_at >= self.created_at

    @property
    def is_in_time(self) -> bool:
        """Whether it came while that was under way, or within a day."""
        return self.is_after and (
            self.closed_at is None or self.received_at <= self.closed_at + _LATEST
        )


def _meant(notice: Notice, rows: Sequence[_Row], told: dict[int, datetime]) -> int | None:
    """The refund of ours that the event tells of."""
    if notice.at is None:
        return next((row.id for row in rows if row.is_in_time), None)
    again = [row for row in rows if row.is_after and row.told_at == notice.at]
    first = [row for row in rows if row.is_in_time and row.state in GONE and row.told_at is None]
    free = [row.id for row in first if row.id not in told]
    same = [row.id for row in first if told.get(row.id or 0) == notice.at]
    return next(iter([row.id for row in again] + same + free), None)


def _known(books: Books, notices: Sequence[Notice]) -> list[_Row]:
    rows = [(each.inbox_id, *each.payment) for each in notices]
    return books.rows(
        _Row,
        """
        SELECT i.id, i.received_at,
               EXISTS (SELECT FROM attention t WHERE (t.kind, t.subject)
                                                   = ('refund_untold', 'event:' || i.id)),
               r.id, r.state, r.created_at, r.closed_at, r.told_at
        FROM unnest(CAST(:inbox_ids AS bigint[]), CAST(:gateways AS text[]),
                    CAST(:accounts AS text[]), CAST(:references AS text[]))
             AS told (inbox_id, gateway, account, reference)
        JOIN inbox i ON i.id = told.inbox_id
        LEFT JOIN payments p ON (p.gateway, p.account, p.gateway_reference)
                              = (told.gateway, told.account, told.reference)
        LEFT JOIN refunds r ON r.payment_id = p.id AND r.state <> 'failed'
        ORDER BY i.id, r.id
        """,
        **columns(rows, ("inbox_ids", "gateways", "accounts", "references")),
    )


def _note(books: Books, told: dict[int, datetime]) -> None:
    if told:
        books.run(
            """
            UPDATE refunds r SET told_at = told.at
            FROM unnest(CAST(:ids AS bigint[]), CAST(:instants AS timestamptz[])) AS told (id, at)
            WHERE r.id = told.id AND r.told_at IS NULL
            """,
            **columns(sorted(told.items()), ("ids", "instants")),
        )
