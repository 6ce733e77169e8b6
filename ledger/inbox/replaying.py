"""Events put back to be settled once more, by a person who knows what has changed since.

Settling posts only what is not posted yet, so an event that was settled already changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.attention import AttentionKind
from ledger.books import journal
from ledger.store import Books


@dataclass(frozen=True, slots=True)
class PutBackRow:
    """An event that waits again, and the state it was in."""

    id: int
    was: str


def put_back(books: Books, ids: Sequence[int], actor: str, how: str) -> list[PutBackRow]:
    """Makes these events wait as if they had just come: no tries behind them, nothing to resolve.

    Those that wait already are left alone, with their tries; so are people's words. `how` tells
    what was done, and is the reason of the one act this is. Locks the rows by id.
    """
    books.run(
        "SELECT FROM inbox WHERE id = ANY (CAST(:ids AS bigint[])) AND state <> 'received'"
        " ORDER BY id FOR NO KEY UPDATE",
        ids=list(ids),
    )
    found = books.rows(
        PutBackRow,
        "SELECT id, state FROM inbox WHERE id = ANY (CAST(:ids AS bigint[]))"
        " AND state <> 'received' AND source <> 'word' ORDER BY id",
        ids=list(ids),
    )
    if not found:
        return []
    locked = [row.id for row in found]
    books.run(
        "UPDATE inbox SET state = 'received', reason = NULL, settled_at = NULL"
        " WHERE id = ANY (CAST(:ids AS bigint[]))",
        ids=locked,
    )
    _clear_tries(books, locked)
    _resolve(books, locked, actor, how)
    were = {state: [row.id for row in found if row.was == state] for state in _states(found)}
    journal.record(books, journal.Act(actor, "replay", how, before=were, after={"inbox": locked}))
    return found


def _states(found: Sequence[PutBackRow]) -> list[str]:
    return sorted({row.was for row in found})


def _clear_tries(books: Books, ids: list[int]) -> None:
    """Takes the events out of every try; the others of a batch keep theirs."""
    books.run("DELETE FROM tries WHERE inbox_ids <@ CAST(:ids AS bigint[])", ids=ids)
    books.run(
        "UPDATE tries SET inbox_ids = ARRAY(SELECT id FROM unnest(inbox_ids) AS id"
        " WHERE id <> ALL (CAST(:ids AS bigint[])) ORDER BY id)"
        " WHERE inbox_ids && CAST(:ids AS bigint[])",
        ids=ids,
    )


def _resolve(books: Books, ids: list[int], actor: str, how: str) -> None:
    books.run(
        "UPDATE attention SET resolved_at = clock_timestamp(), resolver = :actor, how = :how"
        " WHERE kind = :kind AND subject = ANY (CAST(:subjects AS text[])) AND resolved_at IS NULL",
        actor=actor,
        how=how,
        kind=AttentionKind.DEAD_EVENT.value,
        subjects=[f"event:{id_}" for id_ in ids],
    )
