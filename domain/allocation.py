"""Applying what a payment has left to what it is meant for."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from domain.invoices import InvoiceState, Standing
from domain.money import Money
from domain.postings import INVOICE, PAYMENT, UNIDENTIFIED, Posted, Posting, PostingKind


class Intent(NamedTuple):
    """Money of a payment is meant for an invoice, up to `amount_minor`; None means without limit.

    Intents are served in position order; what is left after the last stays with the payment.
    """

    payment_id: int
    position: int
    invoice_id: int
    amount_minor: int | None


class Holding(NamedTuple):
    """What the books hold of one payment, in minor units of `currency`.

    `unapplied_minor` is the balance of its account; `unidentified_minor` waits for a client;
    `returned_minor` went back by refund or chargeback, `lost_minor` of it beyond what had come.
    `client_id` is None while nobody knows whose money it is. Once a person said what it is meant
    for, `is_meaning_said`: what reports name no longer counts. `reserved_minor` is promised back by
    refunds of ours that are under way.
    """

    id: int
    gateway: str
    account: str
    reference: str
    client_id: int | None
    currency: str
    received_minor: int
    unapplied_minor: int
    unidentified_minor: int
    returned_minor: int
    lost_minor: int
    is_meaning_said: bool = False
    reserved_minor: int = 0

    @property
    def free_minor(self) -> int:
        """What is applied to nothing and promised to nobody."""
        return max(0, self.unapplied_minor + self.unidentified_minor - self.reserved_minor)


def allocate(
    payment: Holding,
    intents: Iterable[Intent],
    invoices: Mapping[int, Standing],
    applied_minor: Mapping[int, int],
    on: date,
) -> list[Posting]:
    """Postings that apply the payment's unapplied money to the invoices it is meant for.

    `applied_minor` says what this payment has already given to each invoice, which counts against
    an intent with a limit. An allocation is effective on `on`, but never before its invoice was
    issued.
    """
    postings = []
    left_minor = min(payment.unapplied_minor, payment.free_minor)
    for intent in sorted(intents, key=lambda intent: intent.position):
        invoice = invoices[intent.invoice_id]
        if not can_take(invoice, payment):
            continue
        given_minor = applied_minor.get(invoice.id, 0)
        limit_minor = invoice.open_minor
        if intent.amount_minor is not None:
            limit_minor = min(limit_minor, intent.amount_minor - given_minor)
        taken_minor = min(left_minor, limit_minor)
        if taken_minor > 0:
            left_minor -= taken_minor
            postings.append(_allocation(payment, invoice, taken_minor, on))
    return postings


def assign(payment: Holding, client_id: int, on: date) -> list[Posting]:
    """Money that waited for its client becomes the client's credit; none where none waits."""
    if not payment.unidentified_minor:
        return []
    return [
        Posting(
            kind=PostingKind.ASSIGN,
            source=UNIDENTIFIED,
            destination=PAYMENT,
            money=Money(payment.currency, payment.unidentified_minor),
            effective_on=on,
            payment_id=payment.id,
            client_id=client_id,
        )
    ]


def take_back(invoice: Standing, posted: Iterable[Posted], minor: int, on: date) -> list[Posting]:
    """Opposites that take `minor` off the invoice, from its newest allocations of those posted.

    As the allocations, they are never effective before the invoice was issued.
    """
    effective_on = max(on, invoice.issue_on or on)
    postings = []
    for each in sorted(posted, key=lambda each: -each.id):
        if each.kind is not PostingKind.ALLOCATE or each.invoice_id != invoice.id:
            continue
        taken_minor = min(minor, each.left_minor)
        if taken_minor <= 0:
            break
        minor -= taken_minor
        postings.append(_opposite(invoice, each, taken_minor, effective_on))
    assert minor == 0, f"invoice {invoice.id}: more to take back than was applied"
    return postings


def can_take(invoice: Standing, payment: Holding) -> bool:
    """Whether money of the payment may be applied here: issued, same client, same currency."""
    return (
        invoice.state is InvoiceState.ISSUED
        and invoice.client_id == payment.client_id
        and invoice.currency == payment.currency
    )


def _allocation(payment: Holding, invoice: Standing, taken_minor: int, on: date) -> Posting:
    assert invoice.issue_on is not None, "an issued invoice has an issue date"
    return Posting(
        kind=PostingKind.ALLOCATE,
        source=PAYMENT,
        destination=INVOICE,
        money=Money(payment.currency, taken_minor),
        effective_on=max(on, invoice.issue_on),
        payment_id=payment.id,
        invoice_id=invoice.id,
        client_id=payment.client_id,
    )


def _opposite(invoice: Standing, allocated: Posted, minor: int, on: date) -> Posting:
    return Posting(
        kind=PostingKind.ALLOCATE,
        source=INVOICE,
        destination=PAYMENT,
        money=Money(invoice.currency, minor),
        effective_on=on,
        payment_id=allocated.payment_id,
        invoice_id=invoice.id,
        client_id=invoice.client_id,
        reverses=allocated.id,
    )
