"""A trial: payments and invoices while postings are made on them, before anything is written.

It holds the part of the books that is under lock, takes postings into the totals they lead to, and
in the end says what is to be written.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.allocation import Holding, Intent, allocate
from domain.attention import Attention, AttentionKind
from domain.invoices import InvoiceState, Standing
from domain.money import Money
from domain.postings import INVOICE, PAYMENT, UNIDENTIFIED, Posted, Posting, PostingKind


@dataclass(frozen=True, slots=True)
class Extract:
    """The part of the books that a batch touches, as it stands under its locks.

    Every payment with a fact that changed, and every other one that has money for the same
    invoices; their intents, their invoices, and their postings as far as nothing reversed them.
    """

    payments: Sequence[Holding]
    intents: Mapping[int, Sequence[Intent]]
    invoices: Mapping[int, Standing]
    posted: Mapping[int, Sequence[Posted]]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written: postings, the totals they lead to, and what a person should see."""

    postings: tuple[Posting, ...]
    payments: tuple[Holding, ...]
    invoices: tuple[Standing, ...]
    attention: tuple[Attention, ...]


class Trial:
    """Payments and invoices while postings are made on them."""

    def __init__(self, extract: Extract) -> None:
        self.before = {payment.id: payment for payment in extract.payments}
        self.holdings = dict(self.before)
        self.invoices = dict(extract.invoices)
        self.postings: list[Posting] = []
        self.extract = extract
        self._intents = dict(extract.intents)
        self._reversed_minor: dict[int, int] = defaultdict(int)
        self._applied_minor: dict[int, dict[int, int]] = {
            id_: applied(postings) for id_, postings in extract.posted.items()
        }

    def intents(self, payment_id: int) -> Sequence[Intent]:
        """What a payment is meant for, as it stands now."""
        return self._intents.get(payment_id, ())

    def mean(self, payment_id: int, intents: Sequence[Intent]) -> None:
        """Says anew what a payment is meant for; nothing moves yet."""
        self._intents[payment_id] = intents

    def give(self, payment_id: int, client_id: int) -> None:
        """Says whose money it is, also where none of it is left to post."""
        payment = self.holdings[payment_id]
        if payment.client_id != client_id:
            self.holdings[payment_id] = payment._replace(client_id=client_id)

    def posted(self, payment_id: int) -> Sequence[Posted]:
        """What was posted for a payment before, as far as nothing has reversed it by now."""
        found = self.extract.posted.get(payment_id, ())
        if not self._reversed_minor:
            return found
        left = (
            each._replace(left_minor=each.left_minor - self._reversed_minor.get(each.id, 0))
            for each in found
        )
        return [each for each in left if each.left_minor]

    def given_minor(self, payment_id: int, invoice_id: int) -> int:
        """What a payment has given to an invoice and not taken back."""
        return self._applied_minor.get(payment_id, {}).get(invoice_id, 0)

    def post(self, postings: Iterable[Posting]) -> None:
        """Takes postings into the totals of their payment and their invoice."""
        for posting in postings:
            self.postings.append(posting)
            if posting.reverses is not None:
                self._reversed_minor[posting.reverses] += posting.money.minor
            if posting.payment_id is not None:
                held = self.holdings[posting.payment_id]
                self.holdings[posting.payment_id] = _held(held, posting)
            if posting.invoice_id is not None:
                self._stand(posting, posting.invoice_id)

    def apply(self, payment_id: int, on: date) -> None:
        """Applies what a payment has left to what it is meant for."""
        payment = self.holdings[payment_id]
        applied_minor = self._applied_minor.get(payment_id, {})
        self.post(allocate(payment, self.intents(payment_id), self.invoices, applied_minor, on))

    def changes(self, attention: Iterable[Attention]) -> Changes:
        """What is to be written, with what a person should see."""
        invoices = self.extract.invoices
        return Changes(
            postings=tuple(self.postings),
            payments=tuple(self.changed()),
            invoices=tuple(new for id_, new in self.invoices.items() if new is not invoices[id_]),
            attention=tuple(attention),
        )

    def changed(self) -> list[Holding]:
        """The payments that are no longer as they were."""
        return [new for id_, new in self.holdings.items() if new is not self.before[id_]]

    def _stand(self, posting: Posting, invoice_id: int) -> None:
        invoice = self.invoices[invoice_id]
        minor = posting.money.minor * _sign(posting, INVOICE)
        self.invoices[invoice_id] = _stood(invoice, posting.kind, minor)
        if posting.kind is PostingKind.ALLOCATE:
            assert posting.payment_id is not None
            given = self._applied_minor.setdefault(posting.payment_id, {})
            given[invoice_id] = given.get(invoice_id, 0) + minor


def applied(posted: Iterable[Posted]) -> dict[int, int]:
    """What a payment has given to each invoice and not taken back, in minor units."""
    sums: dict[int, int] = defaultdict(int)
    for each in posted:
        if each.kind is PostingKind.ALLOCATE and each.invoice_id is not None:
            sums[each.invoice_id] += each.left_minor
    return sums


def unapplied(
    payment: Holding, intents: Sequence[Intent], invoices: Mapping[int, Standing]
) -> list[Attention]:
    """Money that arrived but found no open invoice stays with the payment, and a person sees it."""
    if not payment.free_minor:
        return []
    named = [invoices[intent.invoice_id] for intent in intents]
    return [
        Attention(
            kind=_why_unapplied(payment, named),
            subject=f"payment:{payment.id}",
            money=Money(payment.currency, payment.free_minor),
        )
    ]


def _why_unapplied(payment: Holding, named: Sequence[Standing]) -> AttentionKind:
    if not named:
        is_known = payment.client_id is not None
        return AttentionKind.UNAPPLIED if is_known else AttentionKind.UNKNOWN_INVOICE
    if any(invoice.client_id != payment.client_id for invoice in named):
        return AttentionKind.OTHER_CLIENT
    if any(invoice.currency != payment.currency for invoice in named):
        return AttentionKind.OTHER_CURRENCY
    if any(invoice.state is InvoiceState.VOID for invoice in named):
        return AttentionKind.VOID_INVOICE
    if any(invoice.state is InvoiceState.DRAFT for invoice in named):
        return AttentionKind.DRAFT_INVOICE
    return AttentionKind.OVERPAID


_OUTWARD = (PostingKind.REFUND, PostingKind.CHARGEBACK)


def _held(payment: Holding, posting: Posting) -> Holding:
    """The holding after a posting of its own; its client follows from the first that names one."""
    minor, kind = posting.money.minor, posting.kind
    came_minor = minor if posting.source.startswith("outside:") else -minor
    return Holding(
        *payment[:4],
        client_id=payment.client_id if posting.client_id is None else posting.client_id,
        currency=payment.currency,
        received_minor=payment.received_minor + came_minor * (kind is PostingKind.RECEIVE),
        unapplied_minor=payment.unapplied_minor + minor * _sign(posting, PAYMENT),
        unidentified_minor=payment.unidentified_minor + minor * _sign(posting, UNIDENTIFIED),
        returned_minor=payment.returned_minor - came_minor * (kind in _OUTWARD),
        lost_minor=payment.lost_minor + came_minor * (kind is PostingKind.LOSS),
        is_meaning_said=payment.is_meaning_said,
        reserved_minor=payment.reserved_minor,
    )


def _stood(invoice: Standing, kind: PostingKind, minor: int) -> Standing:
    """The standing after `minor` came to the invoice's account."""
    match kind:
        case PostingKind.ALLOCATE:
            return invoice._replace(paid_minor=invoice.paid_minor + minor)
        case PostingKind.CREDIT_NOTE:
            return invoice._replace(credited_minor=invoice.credited_minor + minor)
        case PostingKind.WRITE_OFF:
            return invoice._replace(written_off_minor=invoice.written_off_minor + minor)
        case PostingKind.VOID:
            return invoice._replace(state=InvoiceState.VOID)
        case _:
            raise AssertionError(f"{kind} never comes to an invoice after its issue")


def _sign(posting: Posting, account: str) -> int:
    return (posting.destination == account) - (posting.source == account)
