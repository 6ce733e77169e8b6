"""Books of plain values: a trial is carried out on them, and the laws are checked after each."""

from collections.abc import Sequence

from domain.allocation import Holding, Intent, can_take
from domain.invoices import InvoiceState, Standing
from domain.postings import Posted, Posting, PostingKind
from domain.reductions import Reduction
from domain.trial import Extract, Trial, applied


class PlainBooks:
    """Payments, invoices, intents and postings, as an act finds and leaves them."""

    def __init__(self, payments: Sequence[Holding], invoices: Sequence[Standing]) -> None:
        self.payments = {payment.id: payment for payment in payments}
        self.invoices = {invoice.id: invoice for invoice in invoices}
        self.intents: dict[int, Sequence[Intent]] = {}
        self.posted: dict[int, list[Posted]] = {}
        self.came_minor = sum(_kept(payment) for payment in payments)
        self.reductions: dict[int, list[Reduction]] = {id_: [] for id_ in self.invoices}
        self._ids = 0

    def trial(self) -> Trial:
        return Trial(
            Extract(tuple(self.payments.values()), self.intents, self.invoices, self.posted)
        )

    def carry_out(self, trial: Trial) -> list[tuple[str, int]]:
        """Takes the trial over; answers its postings as kind and amount, below zero where back."""
        for posting in trial.postings:
            self._post(posting)
        self.payments = dict(trial.holdings)
        self.invoices = dict(trial.invoices)
        self.intents = {id_: tuple(trial.intents(id_)) for id_ in trial.holdings}
        self.check()
        return [
            (each.kind.value, each.money.minor * (-1 if each.reverses else 1))
            for each in trial.postings
        ]

    def given_minor(self, payment_id: int, invoice_id: int) -> int:
        return applied(self.posted.get(payment_id, ())).get(invoice_id, 0)

    def check(self) -> None:
        """No cent is lost or applied twice, and none lies idle beside what it is meant for."""
        given = {id_: applied(self.posted.get(id_, ())) for id_ in self.payments}
        kept = sum(_kept(payment) for payment in self.payments.values())
        assert kept + sum(sum(each.values()) for each in given.values()) == self.came_minor
        for payment in self.payments.values():
            assert min(payment.unapplied_minor, payment.unidentified_minor) >= 0
            assert not (payment.client_id is None and payment.unapplied_minor)
            assert not (payment.client_id is not None and payment.unidentified_minor)
            meant = {intent.invoice_id: intent for intent in self.intents.get(payment.id, ())}
            assert given[payment.id].keys() <= meant.keys()
            for invoice_id, intent in meant.items():
                self._check_meaning(payment, invoice_id, intent, given[payment.id])
        for invoice in self.invoices.values():
            paid = sum(each.get(invoice.id, 0) for each in given.values())
            assert paid == invoice.paid_minor
            reduced = sum(each.left_minor for each in self.reductions[invoice.id])
            assert reduced == invoice.credited_minor + invoice.written_off_minor
            owed = invoice.total_minor if invoice.state is InvoiceState.ISSUED else 0
            assert 0 <= invoice.settled_minor <= owed

    def _check_meaning(
        self, payment: Holding, invoice_id: int, intent: Intent, given: dict[int, int]
    ) -> None:
        invoice, given_minor = self.invoices[invoice_id], given.get(invoice_id, 0)
        is_full = intent.amount_minor is not None and given_minor >= intent.amount_minor
        assert intent.amount_minor is None or given_minor <= intent.amount_minor
        if can_take(invoice, payment) and not is_full:
            assert not (payment.unapplied_minor and invoice.is_open)

    def _post(self, posting: Posting) -> None:
        self._ids += 1
        if posting.payment_id is None:
            return self._reduce(posting)
        known = self.posted.setdefault(posting.payment_id, [])
        minor = posting.money.minor
        if posting.reverses is None:
            known.append(
                Posted(
                    self._ids,
                    posting.payment_id,
                    PostingKind(posting.kind),
                    posting.source,
                    posting.destination,
                    posting.invoice_id,
                    minor,
                )
            )
            return None
        left = [
            each._replace(left_minor=each.left_minor - minor * (each.id == posting.reverses))
            for each in known
        ]
        assert all(each.left_minor >= 0 for each in left)
        self.posted[posting.payment_id] = [each for each in left if each.left_minor]
        return None

    def _reduce(self, posting: Posting) -> None:
        if posting.kind not in (PostingKind.CREDIT_NOTE, PostingKind.WRITE_OFF):
            return
        assert posting.invoice_id is not None
        known = self.reductions[posting.invoice_id]
        if posting.reverses is None:
            known.append(Reduction(self._ids, posting.kind, posting.money.minor))
        else:
            known[:] = [each for each in known if each.posting_id != posting.reverses]


def _kept(payment: Holding) -> int:
    return payment.unapplied_minor + payment.unidentified_minor
