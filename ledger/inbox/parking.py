"""Events that must wait, parked: for the meaning of a name, or for the answer that proves them.

A name gets its meaning from any report. A hint takes an answer that was asked for after it came;
what is settled then is the answer, and the hint is done with it.
"""

from collections.abc import Mapping, Sequence

from ledger.store import Books, columns


def park(books: Books, names: Mapping[int, str]) -> None:
    """Notes for which name each of these rows waits; whoever holds their locks closes them."""
    books.run(
        """
        UPDATE inbox SET waits_for = told.name, is_hint = false, answered_by = NULL
        FROM unnest(CAST(:ids AS bigint[]), CAST(:names AS text[])) AS told (id, name)
        WHERE inbox.id = told.id
        """,
        **columns(sorted(names.items()), ("ids", "names")),
    )


def hold(books: Books, names: Mapping[int, str]) -> None:
    """Notes what each of these hints waits for an answer about; under the locks of their rows."""
    books.run(
        """
        UPDATE inbox SET waits_for = told.name, is_hint = true, answered_by = NULL
        FROM unnest(CAST(:ids AS bigint[]), CAST(:names AS text[])) AS told (id, name)
        WHERE inbox.id = told.id
        """,
        **columns(sorted(names.items()), ("ids", "names")),
    )


def answer(books: Books, gateway: str, account: str, name: str, inbox_id: int) -> None:
    """Notes the answer that covers the hints about a name.

    Under the lease of its errand: a hint that came after the asking took that lease away, so every
    one that is here came before it.
    """
    books.run(
        "UPDATE inbox SET answered_by = :id WHERE state = 'parked' AND is_hint"
        " AND (gateway, account, waits_for) = (:gateway, :account, :name)",
        id=inbox_id,
        gateway=gateway,
        account=account,
        name=name,
    )


def release(books: Books, settled: Sequence[int] = ()) -> int:
    """Closes hints whose answer is settled, or is among those being settled; answers how many.

    At most 200, passing over those in somebody's hands: the next sweep comes.
    """
    return books.run(
        """
        UPDATE inbox SET state = 'done', reason = NULL, settled_at = clock_timestamp()
        WHERE id IN (
            SELECT hint.id FROM inbox hint
            JOIN inbox told ON told.id = hint.answered_by
            WHERE hint.state = 'parked' AND hint.is_hint
              AND (told.state IN ('done', 'ignored')
                   OR told.id = ANY (CAST(:settled AS bigint[])))
            ORDER BY hint.id LIMIT 200
            FOR NO KEY UPDATE OF hint SKIP LOCKED)
        """,
        settled=list(settled),
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
            WHERE i.state = 'parked' AND NOT i.is_hint AND EXISTS (
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
