"""What the sent reports truly say, worked out from them alone, without a line of the product."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.chaos.deliveries import Saying
from tests.chaos.records import Record


@dataclass(slots=True)
class PaymentTruth:
    """One payment's money in minor units; `out` and `undone` by refund."""

    received_minor: int = 0
    invoice: str = ""
    out: dict[str, int] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)

    @property
    def refunded_minor(self) -> int:
        return sum(minor for item, minor in self.out.items() if item not in self.undone)


@dataclass(slots=True)
class Truth:
    """Every event that was accepted, by id, with its hash, and every payment they tell of."""

    hashes: dict[str, str] = field(default_factory=dict)
    senseless: set[str] = field(default_factory=set)
    payments: dict[str, PaymentTruth] = field(default_factory=dict)
    answers: int = 0  # duplicates included

    def net_by_invoice(self) -> dict[str, int]:
        """What came for each name of an invoice, less what went back."""
        found: dict[str, int] = {}
        for payment in self.payments.values():
            net = payment.received_minor - payment.refunded_minor
            found[payment.invoice] = found.get(payment.invoice, 0) + net
        return found


def told(records: Iterable[Record]) -> Truth:
    """All that was accepted, however often and in whatever order."""
    truth = Truth()
    for record in records:
        truth.answers += 1
        assert truth.hashes.setdefault(record.event_id, record.sha256) == record.sha256
        match record.saying:
            case Saying.SENSELESS:
                truth.senseless.add(record.event_id)
            case Saying.IN | Saying.OUT | Saying.UNDONE:
                _hear(truth.payments.setdefault(record.payment, PaymentTruth()), record)
            case Saying.NOTHING:
                pass
    return truth


def _hear(payment: PaymentTruth, record: Record) -> None:
    if record.saying is Saying.IN:
        payment.received_minor = max(payment.received_minor, record.amount_minor)
        payment.invoice = record.invoice
        return
    payment.out[record.item] = record.amount_minor
    if record.saying is Saying.UNDONE:
        payment.undone.add(record.item)
