"""Issuing an invoice, and taking an issued one back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain.allocation import Holding, allocate
from domain.errors import Refused
from domain.invoices import InvoiceState, Standing
from domain.money import Money
from domain.postings import INVOICE, PAYMENT, SALES, Posting, PostingKind
from domain.trial import Extract, applied, unapplied
from ledger.books import attention, clients, holdings, invoices, journal, seller
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
    journal.record(books, act, [_sale(PostingKind.ISSUE, issued, issued.issue_on), *allocations])
    return issued


def void(books: Books, invoice_id: int, actor: str, reason: str, today: date) -> Standing:
    """Takes an issued invoice back; what paid it becomes unapplied credit, with attention.

    Locks as `issue` does. Refused when it is not issued, or was credited or written off.
    """
    payment_ids = holdings.lock_invoice_and_payments(books, invoice_id)
    before = _found(books, invoice_id)
    if before.state is not InvoiceState.ISSUED:
        raise Refused(
            "not_issued", f"only an issued invoice can be voided, not a {before.state} one"
        )
    if before.settled_minor != before.paid_minor:
        raise Refused("credited", "an invoice that was credited or written off cannot be voided")
    allocated = _allocated(books, invoice_id)
    extract = holdings.extract(books, payment_ids)
    held = _freed(extract.payments, allocated)
    voided = replace(before, state=InvoiceState.VOID, paid_minor=0)
    books.run(
        "UPDATE invoices SET state = 'void', paid_minor = 0, updated_at = now() WHERE id = :id",
        id=invoice_id,
    )
    holdings.write_payments(books, held)
    reminders.cancel(books, [invoice_id])
    _renew_attention(books, extract, voided, held)
    postings = [
        *(_taken_back(row, before, today) for row in allocated),
        _sale(PostingKind.VOID, before, today),
    ]
    act = journal.Act(actor, "void", reason, before={"invoice": invoice_id})
    journal.record(books, act, postings)
    return voided


@dataclass(frozen=True, slots=True)
class _Allocated:
    posting_id: int
    payment_id: int
    amount_minor: int


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
    return replace(
        draft,
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
            issued = replace(issued, paid_minor=issued.paid_minor + minor)
            held.append(replace(payment, unapplied_minor=payment.unapplied_minor - minor))
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


def _allocated(books: Books, invoice_id: int) -> list[_Allocated]:
    """What is applied to the invoice, per posting, net of what was taken back."""
    return books.rows(
        _Allocated,
        """
        SELECT p.id, p.payment_id, p.amount_minor - coalesce(sum(r.amount_minor), 0)::bigint
        FROM postings p LEFT JOIN postings r ON r.reverses = p.id
        WHERE p.invoice_id = :id AND p.kind = 'allocate' AND p.reverses IS NULL
        GROUP BY p.id
        HAVING p.amount_minor > coalesce(sum(r.amount_minor), 0)
        ORDER BY p.id
        """,
        id=invoice_id,
    )


def _freed(payments: Sequence[Holding], allocated: Sequence[_Allocated]) -> list[Holding]:
    freed = {
        payment.id: sum(row.amount_minor for row in allocated if row.payment_id == payment.id)
        for payment in payments
    }
    return [
        replace(payment, unapplied_minor=payment.unapplied_minor + freed[payment.id])
        for payment in payments
        if freed[payment.id]
    ]


def _taken_back(row: _Allocated, invoice: Standing, on: date) -> Posting:
    return Posting(
        kind=PostingKind.ALLOCATE,
        source=INVOICE,
        destination=PAYMENT,
        money=Money(invoice.currency, row.amount_minor),
        effective_on=on,
        payment_id=row.payment_id,
        invoice_id=invoice.id,
        client_id=invoice.client_id,
        reverses=row.posting_id,
    )


def _sale(kind: PostingKind, invoice: Standing, on: date | None) -> Posting:
    """The whole total: from the invoice to sales when issued, back when void."""
    assert on is not None
    is_issue = kind is PostingKind.ISSUE
    return Posting(
        kind=kind,
        source=INVOICE if is_issue else SALES,
        destination=SALES if is_issue else INVOICE,
        money=Money(invoice.currency, invoice.total_minor),
        effective_on=on,
        invoice_id=invoice.id,
        client_id=invoice.client_id,
    )
