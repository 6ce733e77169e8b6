"""A desk in the books: a seller, clients and invoices, and reports settled as a worker does."""

from dataclasses import dataclass, field
from itertools import count

from domain.errors import Refused
from domain.facts import Reading, Report
from domain.invoices import Standing
from domain.money import Money
from ledger.books import audit, clients, invoices, issuing, linking, payments, reducing, seller
from ledger.books.acting import Word
from ledger.books.payments import PaymentRow
from ledger.inbox import waiting
from ledger.inbox.waiting import Claim
from ledger.settlement import settling
from ledger.settlement.settling import Settled
from ledger.store import Books, Store
from tests.builders import TODAY, ZONE, a_line

SELLER = seller.Seller(
    name="Demo SRL",
    tax_id="RO1234567",
    street="Str. Lungă 1",
    city="Cluj-Napoca",
    country="RO",
    ibans=["RO49AAAA1B31007593840000"],
    language="ro",
    series="INV",
)

WORD = Word("test", "a person said so", TODAY, ZONE)
MISTAKE = Word("test", "a mistake", TODAY, ZONE)


@dataclass(slots=True)
class Desk:
    """Works on one database; every method is a transaction of its own."""

    store: Store
    events: "count[int]" = field(default_factory=lambda: count(1))
    readings: dict[int, Reading | Refused] = field(default_factory=dict)

    def open(self) -> int:
        """Sets up the seller and one client; answers the client."""
        with self.store.transaction() as books:
            seller.put(books, SELLER)
            return clients.add(books, clients.NewClient("Ana SRL", email="ana@example.ro"))

    def client(self, **fields: object) -> int:
        with self.store.transaction() as books:
            return clients.add(books, clients.NewClient("Client", **fields))  # type: ignore[arg-type]

    def draft(self, client_id: int, price: str = "100", currency: str = "RON") -> int:
        line = a_line(price, discount=Money(currency, 0))
        with self.store.transaction() as books:
            return invoices.draft(books, invoices.Draft(client_id, currency, (line,)))

    def issue(self, invoice_id: int) -> Standing:
        with self.store.transaction() as books:
            return issuing.issue(books, invoice_id, "test", TODAY, ZONE)

    def invoice(self, client_id: int, price: str = "100", currency: str = "RON") -> Standing:
        """An issued invoice over `price` and 21 % VAT."""
        return self.issue(self.draft(client_id, price, currency))

    def void(self, invoice_id: int) -> Standing:
        return self.store.act(lambda books: issuing.void(books, invoice_id, MISTAKE))

    def credit_note(self, invoice_id: int, amount_minor: int | None = None) -> Standing:
        return self.store.act(
            lambda books: reducing.credit_note(books, invoice_id, WORD, amount_minor)
        )

    def write_off(self, invoice_id: int, amount_minor: int | None = None) -> Standing:
        return self.store.act(
            lambda books: reducing.write_off(books, invoice_id, WORD, amount_minor)
        )

    def undo_write_off(self, invoice_id: int) -> Standing:
        return self.store.act(lambda books: reducing.undo_write_off(books, invoice_id, WORD))

    def link(self, payment_id: int, invoice_id: int, amount_minor: int | None = None) -> bool:
        return self.store.act(
            lambda books: linking.link(books, payment_id, invoice_id, WORD, amount_minor)
        )

    def unlink(self, payment_id: int, invoice_id: int | None = None) -> int:
        return self.store.act(lambda books: linking.unlink(books, payment_id, WORD, invoice_id))

    def assign(self, payment_id: int, client_id: int) -> bool:
        return self.store.act(lambda books: linking.assign(books, payment_id, client_id, WORD))

    def deliver(self, *told: list[Report] | Reading | Refused) -> list[int]:
        """Keeps one event each; settling it will read exactly this."""
        with self.store.transaction() as books:
            ids = [self._keep(books) for _ in told]
        readings = (tuple(each) if isinstance(each, list) else each for each in told)
        self.readings.update(zip(ids, readings, strict=True))
        return ids

    def settle(self) -> Settled | None:
        """Settles the rows that wait, at most 400, as one batch."""
        with self.store.transaction() as books:
            claim = waiting.claim_fresh(books, {"stripe": "own/test"})
            return self.settle_claim(books, claim) if claim else None

    def settle_claim(self, books: Books, claim: Claim) -> Settled:
        readings = {row.id: self.readings[row.id] for row in claim.rows}
        settled = settling.settle(books, readings, ZONE)
        waiting.close(books, settled.closings)
        waiting.finish(books, claim)
        return settled

    def standing(self, invoice_id: int) -> Standing:
        with self.store.transaction() as books:
            found = invoices.find(books, invoice_id)
        assert found is not None
        return found

    def payments(self) -> list[PaymentRow]:
        with self.store.transaction() as books:
            return payments.page(books, payments.Wanted(), after=0, most=1000)

    def attention(self) -> list[tuple[str, str]]:
        return self.query(
            "SELECT kind, subject FROM attention WHERE resolved_at IS NULL ORDER BY kind, subject"
        )

    def postings(self) -> list[tuple[str, str, str, int]]:
        return self.query(
            "SELECT kind, source, destination, amount_minor FROM postings ORDER BY id"
        )

    def differences(self) -> list[audit.Difference]:
        with self.store.snapshot() as books:
            return list(audit.audit(books))

    def query(self, statement: str) -> list[tuple]:  # type: ignore[type-arg]
        with self.store.transaction() as books:
            return books.rows(lambda *row: row, statement)

    def _keep(self, books: Books) -> int:
        return int(
            books.value(
                "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256)"
                " VALUES ('stripe', 'own/test', :event, 'webhook', 'test', '', '{}', '')"
                " RETURNING id",
                event=f"evt_{next(self.events)}",
            )
        )
