"""A gateway of the sandbox with a payment of ours in it, and our workers beside it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from domain.allocation import Holding
from domain.invoices import Standing
from domain.money import Money, decimal_text
from gateways.port import Gateway
from ledger.books import holdings, refunding
from ledger.books.refunding import RefundRow
from ledger.inbox import waiting
from ledger.store import Store
from runtime import clock, wiring
from sandbox.running import Running
from tests.desk import WORD, Desk
from tests.sandbox.customers import AtPaypal, AtStripe
from workers import backfills, lookups, refunds
from workers.events import settle_next


@dataclass(slots=True)
class FarSide:
    """What customers and the merchant do there, and what we hear and say."""

    gateway: Gateway
    sandbox: Running
    desk: Desk
    store: Store
    at: AtStripe | AtPaypal

    @property
    def name(self) -> str:
        return self.gateway.name

    @property
    def currency(self) -> str:
        return "RON" if self.name == "stripe" else "EUR"

    def invoice(self, price: str = "100") -> Standing:
        return self.desk.invoice(self.desk.open(), price, self.currency)

    def pays(self, invoice: Standing, minor: int | None = None) -> int:
        """A customer pays the invoice, or another amount; the row of the payment."""
        money = Money(invoice.currency, minor or invoice.total_minor)
        if isinstance(self.at, AtStripe):
            self.at.paid(reference=invoice.number, minor=money.minor)
        else:
            self.at.captured(reference=str(invoice.number), value=decimal_text(money))
        self.hears()
        return self.desk.payments()[-1].id

    def hears(self) -> None:
        """Everything that the gateway has told by now is settled, and what it plans is asked."""
        now = clock.now()
        self.sandbox.settle()
        backfills.fill(self.store, self.gateway, now - timedelta(days=9), now + timedelta(days=9))
        self.works()

    def works(self) -> None:
        """Refunds, lookups and settling until nothing is left to do now."""
        gateways, kept = {self.name: self.gateway}, list[int]()
        for _ in range(3):
            while refunds.refund_next(self.store, gateways):
                pass
            while lookups.look_up_next(self.store, gateways, kept):
                pass
            while settle_next(self.store, gateways, waiting.claim_fresh):
                pass

    def give_back(
        self, payment_id: int, amount: str | None = None, *, only_unapplied: bool = False
    ) -> RefundRow:
        """A person says so; nothing is sent yet."""
        able = wiring.able_to_refund({self.name: self.gateway})
        asked = refunding.Asked(able, Decimal(amount) if amount else None, only_unapplied)
        return self.store.act(
            lambda books: refunding.begin(books, payment_id, WORD, clock.now(), asked)
        )

    def end(self, refund_id: int) -> None:
        self.store.act(lambda books: refunding.end(books, refund_id, WORD))

    def refund(self, refund_id: int) -> RefundRow:
        with self.store.transaction() as books:
            return refunding.get(books, refund_id)

    def held(self, payment_id: int) -> Holding:
        with self.store.transaction() as books:
            return holdings.extract(books, [payment_id]).payments[0]

    def gave_back(self) -> list[Decimal]:
        """Every refund in the gateway's own ledger."""
        return [row.amount for row in self.sandbox.rows(self.name) if row.move == "out"]
