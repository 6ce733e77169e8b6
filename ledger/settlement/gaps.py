"""Gaps: attempts of which nobody has told the end, at gateways that list nothing by themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.settlement import lookups
from ledger.settlement.lookups import Question
from ledger.store import Books

# What is younger may still be told; what is older, and not on its way, nobody pays any more.
YOUNGEST = timedelta(minutes=15)
OLDEST = timedelta(days=7)
SHORTEST_PAUSE = timedelta(hours=1)
_MOST = 200


def plan(books: Books, gateway: str, account: str, now: datetime) -> int:
    """Plans to ask how each attempt stands that was not paid; answers how many.

    Also one that we have ended: its page may be open yet. The pauses grow with the age at which it
    was asked about last, by half of it. Locks the errands by name.
    """
    rows = books.rows(
        _AttemptRow,
        """
        SELECT a.session || '/' || a.order_id FROM attempts a
        WHERE (a.gateway, a.account) = (:gateway, :account)
          AND a.session IS NOT NULL AND a.state <> 'succeeded' AND a.created_at <= :youngest
          AND (a.state = 'pending' OR a.created_at > :oldest)
          AND NOT EXISTS (
              SELECT FROM outbox o
              WHERE (o.subject, o.effect, o.destination)
                  = ('name:' || a.session || '/' || a.order_id, 'lookup',
                     a.gateway || ':' || a.account)
                AND (o.state IN ('waiting', 'claimed')
                     OR o.created_at > CAST(:now AS timestamptz) - greatest(
                         CAST(:pause AS interval), (o.created_at - a.created_at) / 2)))
        ORDER BY a.created_at, a.id LIMIT :most
        """,
        gateway=gateway,
        account=account,
        now=now,
        youngest=now - YOUNGEST,
        oldest=now - OLDEST,
        pause=SHORTEST_PAUSE,
        most=_MOST,
    )
    if rows:
        asked = ((gateway, account, row.name) for row in rows)
        lookups.plan(books, [Question(each, "moved", is_urgent=True) for each in asked])
    return len(rows)


@dataclass(frozen=True, slots=True)
class _AttemptRow:
    name: str
