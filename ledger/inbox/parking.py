"""Events that know a payment by a name of which nobody has told the meaning: parked until then."""

from collections.abc import Mapping

from ledger.store import Books, columns


def park(books: Books, names: Mapping[int, str]) -> None:
    """Notes for which name each of these rows waits; whoever holds their locks closes them."""
    books.run(
        """
        UPDATE inbox SET waits_for = told.name
        FROM unnest(CAST(:ids AS bigint[]), CAST(:names AS text[])) AS told (id, name)
        WHERE inbox.id = told.id
        """,
        **columns(sorted(names.items()), ("ids", "names")),
    )


def wake(books: Books) -> int:
    """Makes rows wait to be settled again whose name has got a meaning; answers how many.

    At most 200, passing over those in somebody's hands: the next sweep comes.
    """
    return books.run(
        """
        UPDATE inbox SET state = 'received', reason = NULL, settled_at = NULL, waits_for = NULL
        WHERE id IN (
            SELECT i.id FROM inbox i
            WHERE i.state = 'parked' AND EXISTS (
                SELECT FROM payment_names n
                WHERE (n.gateway, n.account, n.name) = (i.gateway, i.account, i.waits_for))
            ORDER BY i.id LIMIT 200
            FOR NO KEY UPDATE OF i SKIP LOCKED)
        """
    )


def let_go(books: Books, name: str, reason: str) -> None:
    """Ends the waiting for this name by a person's word; a replay may begin it again."""
    books.run(
        "UPDATE inbox SET state = 'ignored', reason = :reason, settled_at = clock_timestamp()"
        " WHERE state = 'parked' AND waits_for = :name",
        name=name,
        reason=reason,
    )
