"""What money is meant for: our references as gateways echo them, resolved to invoices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.facts import Move, Status
from domain.ids import Kind, number
from domain.settlement import KnownFact
from ledger.settlement.merging import Reference
from ledger.store import Books, columns


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    invoice_id: int


def note_intents(
    books: Books, told_now: Mapping[Reference, str], payments: Mapping[Reference, int]
) -> None:
    """Writes what each payment was told to be meant for: an invoice's id, number or order id.

    A name that no invoice bears leaves no intent. A payment that was told before keeps its word.
    """
    meant = {
        payments[reference]: name for reference, name in told_now.items() if reference in payments
    }
    if not meant:
        return
    found = _resolve(books, sorted(set(meant.values())))
    rows = [(id_, found[name]) for id_, name in sorted(meant.items()) if name in found]
    books.run(
        """
        INSERT INTO intents (payment_id, position, invoice_id)
        SELECT payment_id, 0, invoice_id
        FROM unnest(CAST(:payments AS bigint[]), CAST(:invoices AS bigint[]))
             AS told (payment_id, invoice_id)
        ON CONFLICT ON CONSTRAINT intents_pkey DO NOTHING
        """,
        **columns(rows, ("payments", "invoices")),
    )


def note_attempts(books: Books, facts: Mapping[Reference, Sequence[KnownFact]]) -> None:
    """Moves the attempts these facts name on: pending, failed, then succeeded, never back."""
    rows = sorted(
        (known.fact.key.gateway, known.fact.key.account, known.fact.meant_for, known.fact.status)
        for group in facts.values()
        for known in group
        if known.fact.key.move is Move.IN and known.fact.meant_for is not None
    )
    books.run(
        """
        UPDATE attempts a SET state = told.state, updated_at = now()
        FROM (SELECT gateway, account, order_id, state
              FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                          CAST(:orders AS text[]), CAST(:states AS text[]))
                   AS each (gateway, account, order_id, state)) told
        WHERE (a.gateway, a.account, a.order_id) = (told.gateway, told.account, told.order_id)
          AND a.state <> 'succeeded' AND a.state <> told.state
        """,
        **columns(
            [
                (gateway, account, order, _attempt_state(state))
                for gateway, account, order, state in rows
            ],
            ("gateways", "accounts", "orders", "states"),
        ),
    )


def _attempt_state(status: Status) -> str:
    match status:
        case Status.PENDING:
            return "pending"
        case Status.FAILED:
            return "failed"
        case Status.SUCCEEDED:
            return "succeeded"


def _resolve(books: Books, names: Sequence[str]) -> dict[str, int]:
    ids = {name: id_ for name in names if (id_ := number(Kind.INVOICE, name)) is not None}
    found = books.rows(
        _Named,
        """
        SELECT number, id FROM invoices WHERE number = ANY (CAST(:names AS text[]))
        UNION ALL
        SELECT order_id, invoice_id FROM attempts WHERE order_id = ANY (CAST(:names AS text[]))
        UNION ALL
        SELECT told.name, id FROM invoices
        JOIN unnest(CAST(:id_names AS text[]), CAST(:ids AS bigint[])) AS told (name, row)
          ON told.row = id
        """,
        names=list(names),
        id_names=list(ids),
        ids=list(ids.values()),
    )
    return {row.name: row.invoice_id for row in found}
