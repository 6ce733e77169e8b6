"""What lowers what is owed without money: credit notes, write-offs, and taking an invoice back.

What was paid of it is taken back first, from the newest allocation, and stays with its payments as
credit; where they are meant for something else too, it goes there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from domain.allocation import take_back
from domain.errors import Refused
from domain.invoices import InvoiceState, Standing
from domain.money import Money
from domain.postings import INVOICE, SALES, Posted, Posting, PostingKind
from domain.trial import Trial

ReductionKind = Literal[PostingKind.CREDIT_NOTE, PostingKind.WRITE_OFF]


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction as far as nothing has taken it back; `left_minor` is above zero."""

    posting_id: int
    kind: ReductionKind
    left_minor: int


def reduce(
    trial: Trial, invoice_id: int, kind: ReductionKind, amount_minor: int | None, on: date
) -> None:
    """Lowers what is owed by `amount_minor`; None: by all that is open.

    Refused when the invoice is not issued, when nothing is open and no amount is said, and beyond
    what is open and paid together.
    """
    invoice = trial.invoices[invoice_id]
    _check_issued(invoice)
    minor = invoice.open_minor if amount_minor is None else amount_minor
    if not minor:
        raise Refused("not_open", f"nothing is open of invoice {invoice.number}; say how much")
    if minor > invoice.open_minor + invoice.paid_minor:
        most = Money(invoice.currency, invoice.open_minor + invoice.paid_minor)
        raise Refused("beyond_total", f"of invoice {invoice.number} at most {most} is left")
    _free(trial, invoice, minor - invoice.open_minor, on)
    trial.post([_reduction(invoice, kind, minor, _effective(invoice, on))])
    _apply(trial, on)


def restore(trial: Trial, invoice_id: int, reductions: Sequence[Reduction], on: date) -> None:
    """Takes reductions back: the invoice is owed again, and credit meant for it pays it.

    Refused when there are none, or when the invoice is not issued.
    """
    invoice = trial.invoices[invoice_id]
    _check_issued(invoice)
    if not reductions:
        raise Refused("not_written_off", f"nothing of invoice {invoice.number} is written off")
    trial.post(_opposite(invoice, each, on) for each in reductions)
    _apply(trial, on)


def void(trial: Trial, invoice_id: int, on: date) -> None:
    """Takes the whole invoice back.

    Refused when it is not issued, or was credited, written off, or settled before its import.
    """
    invoice = trial.invoices[invoice_id]
    _check_issued(invoice)
    if invoice.settled_minor != invoice.paid_minor:
        raise Refused("credited", "an invoice that was credited or written off cannot be voided")
    _free(trial, invoice, invoice.paid_minor, on)
    trial.post([sale(PostingKind.VOID, invoice, _effective(invoice, on))])
    _apply(trial, on)


def sale(kind: PostingKind, invoice: Standing, on: date) -> Posting:
    """The whole total: from the invoice to sales when issued, back when void."""
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


def _check_issued(invoice: Standing) -> None:
    if invoice.state is not InvoiceState.ISSUED:
        raise Refused("not_issued", f"this is for an issued invoice, not for a {invoice.state} one")


def _free(trial: Trial, invoice: Standing, minor: int, on: date) -> None:
    """Takes `minor` of what was paid back, whichever payment it came from."""
    if minor > 0:
        trial.post(take_back(invoice, _all_posted(trial), minor, on))


def _all_posted(trial: Trial) -> Iterable[Posted]:
    return (each for id_ in trial.holdings for each in trial.posted(id_))


def _apply(trial: Trial, on: date) -> None:
    for id_ in sorted(trial.holdings):
        trial.apply(id_, on)


def _effective(invoice: Standing, on: date) -> date:
    assert invoice.issue_on is not None, "an issued invoice has an issue date"
    return max(on, invoice.issue_on)


def _reduction(invoice: Standing, kind: ReductionKind, minor: int, on: date) -> Posting:
    return Posting(
        kind=kind,
        source=f"outside:{kind}",
        destination=INVOICE,
        money=Money(invoice.currency, minor),
        effective_on=on,
        invoice_id=invoice.id,
        client_id=invoice.client_id,
    )


def _opposite(invoice: Standing, taken: Reduction, on: date) -> Posting:
    return Posting(
        kind=taken.kind,
        source=INVOICE,
        destination=f"outside:{taken.kind}",
        money=Money(invoice.currency, taken.left_minor),
        effective_on=_effective(invoice, on),
        invoice_id=invoice.id,
        client_id=invoice.client_id,
        reverses=taken.posting_id,
    )
