"""One look at everything that waits, stands still or needs a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger import figures, stops
from ledger.figures import CountRow
from ledger.stops import StopRow
from ledger.store import Books

_MOST_REASONS = 10

# How far back the last event of a gateway is looked for: one that is silent for longer is silent.
_MOST_EVENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class ArrivedRow:
    """An event that arrived so many seconds ago; the instant in UTC."""

    id: int
    gateway: str
    kind: str
    received_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class LastRow:
    """The last event of a gateway; None while nothing came from it, for a million events."""

    gateway: str
    id: int | None
    kind: str | None
    received_at: datetime | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """How many events are dead for one reason, and the latest of them."""

    reason: str
    count: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Letters:
    """`due` reminders are not written yet, `waiting` letters are written and not sent."""

    due: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of one installation at one moment; `oldest` is None when nothing waits."""

    oldest: ArrivedRow | None
    inbox: Sequence[CountRow]
    last: Sequence[LastRow]
    dead: Sequence[ReasonRow]
    letters: Letters
    attention: Sequence[CountRow]
    stops: Sequence[StopRow]


def look(books: Books, gateways: Sequence[str], now: datetime) -> Overview:
    """Everything at once, in a fixed number of statements; open on a snapshot.

    `gateways` are shown even when nothing ever came from them; `now` says which letters are due.
    """
    counted = figures.read(books)
    letters = books.row(Letters, _LETTERS, now=now)
    assert letters is not None
    return Overview(
        oldest=books.row(ArrivedRow, _OLDEST),
        inbox=counted.inbox,
        last=books.rows(LastRow, _LAST, gateways=list(gateways), most=_MOST_EVENTS),
        dead=books.rows(ReasonRow, _DEAD, most=_MOST_REASONS),
        letters=letters,
        attention=counted.attention,
        stops=stops.standing(books),
    )


_OLDEST = """
SELECT id, gateway, kind, received_at,
       extract(epoch FROM clock_timestamp() - received_at)::float8
FROM inbox WHERE state = 'received' ORDER BY id LIMIT 1
"""
_LAST = """
SELECT known.gateway, last.id, last.kind, last.received_at,
       extract(epoch FROM clock_timestamp() - last.received_at)::float8
FROM (SELECT gateway FROM accounts UNION SELECT unnest(CAST(:gateways AS text[]))) known
LEFT JOIN LATERAL (
    SELECT id, kind, received_at FROM inbox
    WHERE inbox.gateway = known.gateway AND id > (SELECT max(id) FROM inbox) - :most
    ORDER BY id DESC LIMIT 1) last ON true
ORDER BY known.gateway
"""
_DEAD = """
SELECT reason, count(*), max(id) FROM inbox WHERE state = 'dead'
GROUP BY reason ORDER BY count(*) DESC, max(id) DESC LIMIT :most
"""
_LETTERS = """
SELECT (SELECT count(*) FROM reminders WHERE state = 'planned' AND due_at <= :now),
       (SELECT count(*) FROM outbox WHERE effect = 'letter' AND state IN ('waiting', 'claimed'))
"""
