"""Issuing an invoice, and taking an issued one back."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain import reductions
from domain.allocation import Holding, allocate
from domain.errors import Refused
from domain.invoices import InvoiceState, Standing
from domain.postings import Posting, PostingKind
from domain.trial import Extract, Trial, applied, unapplied
from ledger.books import acting, attention, clients, holdings, invoices, journal, seller
from ledger.books.acting import Deed, Word
from ledger.letters import reminders
from ledger.store import Books


def issue(books: Books, invoice_id: int, actor: str, today: date, zone: ZoneInfo) -> Standing:
    """Gives the draft its number, freezes it, applies money meant for it, plans its reminders.

    Locks the payments meant for it, then the invoice, then the number series. Refused when it is
    unknown or no draft, or while there is no seller. `today` is the seller's local day.
    """
    payment_ids = holdings.lock_invoice_and_payments(books, invoice_id)
    before = _found(books, invoice_id)
    if before.state is not InvoiceState.DRAFT:
        raise Refused("not_a_draft", f"invoice {before.number} is {before.state} already")
    extract = holdings.extract(books, payment_ids)
    issued, held, allocations = _apply_meant(extract, _numbered(books, before, today))
    _write_issued(books, issued)
    holdings.write_payments(books, held)
    reminders.plan_for(books, [invoice_id], zone)
    _renew_attention(books, extract, issued, held)
    act = journal.Act(actor, "issue", after={"invoice": invoice_id, "number": issued.number})
    journal.record(books, act, [_sale(issued), *allocations])
    return issued


def void(books: Books, invoice_id: int, word: Word) -> Standing:
    """Takes an issued invoice back; what paid it stays with its payments, or goes to what else they
    are meant for.

    Locks the payments of the invoice, then the invoices. Refused without a reason, when it is not
    issued, or was credited or written off.
    """
    if not word.reason:
        raise Refused("no_reason", "say why")
    trial = Trial(acting.lock_invoice(books, invoice_id))
    reductions.void(trial, invoice_id, word.today)
    paid_minor = trial.extract.invoices[invoice_id].paid_minor
    deed = Deed(
        "void",
        before={"invoice": invoice_id, "state": "issued", "paid_minor": paid_minor},
        after={"invoice": invoice_id, "state": "void", "paid_minor": 0},
    )
    acting.carry_out(books, trial, deed, word)
    return trial.invoices[invoice_id]


def _found(books: Books, invoice_id: int) -> Standing:
    found = invoices.find(books, invoice_id)
    if found is None:
        raise Refused("unknown_invoice", "there is no such invoice")
    return found


def _numbered(books: Books, draft: Standing, today: date) -> Standing:
    client = clients.find(books, draft.client_id)
    assert client is not None, "a foreign key holds an invoice to its client"
    issue_on = draft.issue_on or today
    due_on = draft.due_on or issue_on + timedelta(days=client.terms_days)
    invoices.check_dates(issue_on, due_on)
    return draft._replace(
        number=seller.next_number(books),
        state=InvoiceState.ISSUED,
        issue_on=issue_on,
        due_on=due_on,
        reminder_cycle=1,
    )


def _apply_meant(
    extract: Extract, issued: Standing
) -> tuple[Standing, list[Holding], list[Posting]]:
    """Money that came while it was a draft: the invoice and the payments after it is applied."""
    assert issued.issue_on is not None
    held: list[Holding] = []
    postings: list[Posting] = []
    for payment in extract.payments:
        meant = [i for i in extract.intents.get(payment.id, ()) if i.invoice_id == issued.id]
        applied_minor = applied(extract.posted.get(payment.id, ()))
        taken = allocate(payment, meant, {issued.id: issued}, applied_minor, issued.issue_on)
        for posting in taken:
            minor = posting.money.minor
            issued = issued._replace(paid_minor=issued.paid_minor + minor)
            held.append(payment._replace(unapplied_minor=payment.unapplied_minor - minor))
        postings += taken
    return issued, held, postings


def _renew_attention(
    books: Books, extract: Extract, changed: Standing, held: Sequence[Holding]
) -> None:
    """What a person should see of the payments, now that the invoice has changed."""
    payments = {payment.id: payment for payment in (*extract.payments, *held)}
    standings = {**extract.invoices, changed.id: changed}
    found = [
        each
        for payment in payments.values()
        for each in unapplied(payment, extract.intents.get(payment.id, ()), standings)
    ]
    attention.renew(books, list(payments), found)


def _write_issued(books: Books, issued: Standing) -> None:
    books.run(
        "UPDATE invoices SET state = 'issued', number = :number, issue_on = :issue_on,"
        " due_on = :due_on, paid_minor = :paid, reminder_cycle = :cycle, updated_at = now()"
        " WHERE id = :id",
        id=issued.id,
        number=issued.number,
        issue_on=issued.issue_on,
        due_on=issued.due_on,
        paid=issued.paid_minor,
        cycle=issued.reminder_cycle,
    )


def _sale(issued: Standing) -> Posting:
    assert issued.issue_on is not None
    return reductions.sale(PostingKind.ISSUE, issued, issued.issue_on)
