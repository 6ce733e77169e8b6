"""Rows of the inbox that wait to be settled: claimed, tried, closed.

A try is written on a second connection before the work begins, and only a try that ended well is
taken away. So a row whose try is still there was in somebody's hands when something went wrong; it
is settled alone from then on, and only tries made alone count against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from domain.errors import Refused
from ledger.store import Books, Store, columns

Accounts = Mapping[str, str]  # whose money each configured gateway reports

MOST_ROWS = 800
FEW_ROWS = 20
MOST_TRIES = 5
LATE_SECONDS = 2.0
QUIET_SECONDS = 0.1

# Statistics are wrong exactly when many rows came at once, so these statements leave nothing to
# them: no join, one condition after the other, and whose money it is in a form that no index offers
# itself for. (Joined to its owner, a row was looked for among all rows of that owner: 14 s per
# claim with 60,000 waiting.)
_IS_OURS = """
    CASE WHEN gateway || '/' || account = ANY (CAST(:owners AS text[])) THEN true ELSE false END
"""

_IS_FRESH = f"""
    state = 'received' AND {_IS_OURS}
  AND id NOT IN (SELECT unnest(inbox_ids) FROM tries)
"""  # noqa: S608 - a constant

# Rows that nobody tried, oldest first: the index is walked from its beginning and left after
# MOST_ROWS, however many wait. A row in somebody's hands is locked and passed over. Each look for
# work reads the stop by itself: a worker that runs obeys it with its next batch.
_LOCK_FRESH = f"""
SELECT id FROM inbox
WHERE {_IS_FRESH}
  AND NOT EXISTS (SELECT FROM stops WHERE what = 'settling')
ORDER BY id
LIMIT :most
FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - a constant

_LONGEST_WAIT = f"""
SELECT clock_timestamp() - received_at FROM inbox WHERE {_IS_FRESH} ORDER BY id LIMIT 1
"""  # noqa: S608 - a constant

# How long ago the last one came.
_SHORTEST_WAIT = f"""
SELECT clock_timestamp() - received_at FROM inbox WHERE {_IS_FRESH} ORDER BY id DESC LIMIT 1
"""  # noqa: S608 - a constant

# Rows that were tried in large batches only: a few of them together, for most are innocent.
_LOCK_FEW = f"""
SELECT id FROM inbox
WHERE id = ANY (ARRAY(SELECT tried.id
                      FROM (SELECT unnest(inbox_ids) AS id, cardinality(inbox_ids) AS rows
                            FROM tries) tried
                      GROUP BY tried.id HAVING min(tried.rows) > :few))
  AND state = 'received' AND {_IS_OURS}
  AND NOT EXISTS (SELECT FROM stops WHERE what = 'settling')
ORDER BY id
LIMIT :few
FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - a constant

# One row that was tried: fewest tries made alone first, each pause twice as long as the last.
_LOCK_SUSPECT = f"""
SELECT i.id FROM inbox i
CROSS JOIN LATERAL (SELECT count(*) AS alone, max(started_at) AS last_at FROM tries
                    WHERE is_alone AND inbox_ids = ARRAY[i.id]) tried
WHERE i.id = ANY (ARRAY(SELECT unnest(inbox_ids) FROM tries))
  AND i.state = 'received' AND {_IS_OURS}
  AND NOT EXISTS (SELECT FROM stops WHERE what = 'settling')
  AND (tried.alone = 0
       OR tried.last_at < clock_timestamp() - interval '0.5 s' * 2 ^ least(tried.alone, 10))
ORDER BY tried.alone, i.id
LIMIT 1
FOR NO KEY UPDATE OF i SKIP LOCKED
"""  # noqa: S608 - a constant


class WaitingRow(NamedTuple):
    """A claimed row; `raw` is the body as it arrived, byte for byte."""

    id: int
    gateway: str
    account: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows in our hands, locked until the transaction ends, and the try that says so."""

    try_id: int
    rows: tuple[WaitingRow, ...]


class Closing(NamedTuple):
    """What became of a row; `reason` says why it is ignored or dead."""

    inbox_id: int
    state: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Id:
    id: int


def claim_fresh(books: Books, accounts: Accounts) -> Claim | None:
    """Locks up to MOST_ROWS rows that nobody tried yet and writes the try; None without any.

    None too while settling is stopped. Only rows of these accounts, by gateway: what is not
    configured just now keeps its rows waiting, and nobody books one owner's money as another's.
    """
    ids = [row.id for row in books.rows(_Id, _LOCK_FRESH, most=MOST_ROWS, **_owners(accounts))]
    return _claim(books, ids, is_alone=False) if ids else None


def claim_suspect(books: Books, accounts: Accounts) -> Claim | None:
    """Locks rows with an unfinished try behind them and writes the next try.

    Up to FEW_ROWS together while they were tried in larger batches only, then each alone. None when
    there is none, or when each still has its pause. A row that used up its tries comes all the
    same; see `used_up`.
    """
    few = [row.id for row in books.rows(_Id, _LOCK_FEW, few=FEW_ROWS, **_owners(accounts))]
    if few:
        return _claim(books, few, is_alone=False)
    ids = [row.id for row in books.rows(_Id, _LOCK_SUSPECT, **_owners(accounts))]
    return _claim(books, ids, is_alone=True) if ids else None


def used_up(books: Books, claim: Claim) -> Refused | None:
    """Why the row of a claim made alone is not tried again; None while it has tries left.

    The try being made does not count yet: the fifth is still made, the sixth finds the row dead.
    """
    if len(claim.rows) != 1:
        return None
    alone = books.rows(
        _Reason,
        "SELECT reason FROM tries WHERE is_alone AND inbox_ids = CAST(:ids AS bigint[])"
        " ORDER BY id DESC",
        ids=[claim.rows[0].id],
    )
    if len(alone) <= MOST_TRIES:
        return None
    told = next((row.reason for row in alone if row.reason), "its worker died without a word")
    return Refused("used_up", f"tried {MOST_TRIES} times: {told}")


def close(books: Books, closings: Sequence[Closing]) -> None:
    """Writes what became of each row; they are no longer waiting."""
    books.run(
        """
        UPDATE inbox SET state = told.state, reason = told.reason, settled_at = clock_timestamp()
        FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:reasons AS text[]))
             AS told (id, state, reason)
        WHERE inbox.id = told.id
        """,
        **columns(closings, ("ids", "states", "reasons")),
    )


def finish(books: Books, claim: Claim) -> None:
    """Takes the try away, in the transaction that did the work."""
    books.run("DELETE FROM tries WHERE id = :id", id=claim.try_id)


def forget(store: Store, *try_ids: int) -> None:
    """Takes tries away although the work was not done: the world was busy, no row is at fault."""
    with store.aside() as aside:
        aside.run("DELETE FROM tries WHERE id = ANY (CAST(:ids AS bigint[]))", ids=list(try_ids))


def blame(store: Store, claim: Claim, reason: str) -> None:
    """Notes on the try why it failed; its rows are settled alone from now on."""
    with store.aside() as aside:
        aside.run(
            "UPDATE tries SET reason = :reason WHERE id = :id", id=claim.try_id, reason=reason[:500]
        )


def is_any_waiting(books: Books, accounts: Accounts) -> bool:
    """Whether a row of these accounts can be locked right now, so that a nudge would find work."""
    found = books.value(
        f"""
        SELECT id FROM inbox WHERE state = 'received' AND {_IS_OURS}
          AND NOT EXISTS (SELECT FROM stops WHERE what = 'settling')
        ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        """,  # noqa: S608 - a constant
        **_owners(accounts),
    )
    return found is not None


def is_late(books: Books, accounts: Accounts) -> bool:
    """Whether a row that nobody took up has waited for more than LATE_SECONDS."""
    waited = books.value(_LONGEST_WAIT, **_owners(accounts))
    return waited is not None and waited > timedelta(seconds=LATE_SECONDS)


def is_quiet(books: Books, accounts: Accounts) -> bool:
    """Whether rows wait that nobody took up, and none has come for QUIET_SECONDS."""
    waited = books.value(_SHORTEST_WAIT, **_owners(accounts))
    return waited is not None and waited > timedelta(seconds=QUIET_SECONDS)


def newest(books: Books) -> int:
    """The highest inbox id there is; 0 when nothing ever arrived."""
    return int(books.value("SELECT coalesce(max(id), 0) FROM inbox"))


def is_any_received_up_to(books: Books, inbox_id: int) -> bool:
    """Whether some report at or below this id is not settled yet, so its money is unknown."""
    return bool(
        books.value(
            "SELECT EXISTS (SELECT FROM inbox WHERE state = 'received' AND id <= :id)", id=inbox_id
        )
    )


def is_any_received(books: Books) -> bool:
    """Whether some report is not settled yet, at this very moment."""
    return bool(books.value("SELECT EXISTS (SELECT FROM inbox WHERE state = 'received')"))


def is_money_unclear(books: Books) -> bool:
    """Whether some report waits for a person, so that nobody can say whose money it tells of."""
    return bool(
        books.value(
            "SELECT EXISTS (SELECT FROM inbox WHERE state = 'parked') OR EXISTS ("
            " SELECT FROM attention WHERE kind = 'dead_event' AND resolved_at IS NULL)"
        )
    )


def sweep_tries(books: Books) -> int:
    """Drops tries none of whose rows still wait; answers how many."""
    return books.run(
        """
        DELETE FROM tries WHERE NOT EXISTS (
            SELECT FROM inbox WHERE inbox.id = ANY (tries.inbox_ids) AND inbox.state = 'received')
        """
    )


@dataclass(frozen=True, slots=True)
class _Reason:
    reason: str | None


def _claim(books: Books, ids: list[int], *, is_alone: bool) -> Claim:
    with books.store.aside() as aside:
        try_id = aside.value(
            "INSERT INTO tries (inbox_ids, is_alone)"
            " VALUES (CAST(:ids AS bigint[]), :is_alone) RETURNING id",
            ids=ids,
            is_alone=is_alone,
        )
    try:
        rows = books.rows(
            WaitingRow,
            "SELECT id, gateway, account, raw FROM inbox WHERE id = ANY (CAST(:ids AS bigint[]))"
            " ORDER BY id",
            ids=ids,
        )
    except Exception:
        forget(books.store, try_id)  # nothing was tried: the connection is lost, no row is at fault
        raise
    return Claim(try_id, tuple(rows))


def _owners(accounts: Accounts) -> dict[str, list[str]]:
    return {"owners": [f"{gateway}/{account}" for gateway, account in accounts.items()]}
