"""Credit notes and write-offs: a person lowers what is owed, and says why."""

from typing import Any

from domain import reductions
from domain.errors import Refused
from domain.invoices import Standing
from domain.postings import PostingKind
from domain.reductions import Reduction, ReductionKind
from domain.trial import Trial
from ledger.books import acting
from ledger.books.acting import Deed, Word
from ledger.store import Books


def credit_note(
    books: Books, invoice_id: int, word: Word, amount_minor: int | None = None
) -> Standing:
    """The client owes so much less of the invoice; None: all that is open. Its new standing.

    Said of an invoice that money went back from, it is the word that settles the hold, as far as it
    closes it. What was paid and is credited now stays with its payments. Locks the payments of the
    invoice, then the invoices. Refused without a reason, and as `domain.reductions.reduce` says.
    """
    return _reduce(books, invoice_id, PostingKind.CREDIT_NOTE, amount_minor, word)


def write_off(
    books: Books, invoice_id: int, word: Word, amount_minor: int | None = None
) -> Standing:
    """So much of the invoice is given up, though it was owed; as `credit_note` in all else."""
    return _reduce(books, invoice_id, PostingKind.WRITE_OFF, amount_minor, word)


def undo_write_off(books: Books, invoice_id: int, word: Word) -> Standing:
    """Takes all write-offs of an invoice back: it is owed again, from today on, and may be paid.

    Credit that is meant for it pays it at once. Locks as `credit_note` does. Refused without a
    reason, and when nothing is written off.
    """
    trial = Trial(acting.lock_invoice(books, invoice_id))
    reductions.restore(trial, invoice_id, _left(books, invoice_id), word.today)
    return _carry_out(books, "undo_write_off", invoice_id, trial, word)


def _reduce(
    books: Books, invoice_id: int, kind: ReductionKind, amount_minor: int | None, word: Word
) -> Standing:
    trial = Trial(acting.lock_invoice(books, invoice_id))
    reductions.reduce(trial, invoice_id, kind, amount_minor, word.today)
    return _carry_out(books, kind.value, invoice_id, trial, word)


def _carry_out(books: Books, act: str, invoice_id: int, trial: Trial, word: Word) -> Standing:
    if not word.reason:
        raise Refused("no_reason", "say why")
    invoice = trial.invoices[invoice_id]
    was = trial.extract.invoices[invoice_id]
    acting.carry_out(books, trial, Deed(act, _told(was), _told(invoice)), word)
    return invoice


def _told(invoice: Standing) -> dict[str, Any]:
    return {
        "invoice": invoice.id,
        "paid_minor": invoice.paid_minor,
        "credited_minor": invoice.credited_minor,
        "written_off_minor": invoice.written_off_minor,
    }


def _left(books: Books, invoice_id: int) -> list[Reduction]:
    """The write-offs of an invoice, as far as nothing has taken them back; hold its lock."""
    return books.rows(
        _write_off,
        """
        SELECT p.id, p.amount_minor - coalesce(sum(r.amount_minor), 0)::bigint
        FROM postings p LEFT JOIN postings r ON r.reverses = p.id
        WHERE p.invoice_id = :id AND p.kind = 'write_off' AND p.reverses IS NULL
        GROUP BY p.id
        HAVING p.amount_minor > coalesce(sum(r.amount_minor), 0)
        ORDER BY p.id
        """,
        id=invoice_id,
    )


def _write_off(posting_id: int, left_minor: int) -> Reduction:
    return Reduction(posting_id, PostingKind.WRITE_OFF, left_minor)
