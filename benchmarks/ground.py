"""The ground everybody stands on: a seller, clients, issued invoices, and events long settled."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from zoneinfo import ZoneInfo

from benchmarks.series import PARTS, Series
from benchmarks.stores import GROUND, Stores
from cli.simulation import sisters
from domain.invoices import Line, VatCategory
from domain.money import Money
from gateways.stripe import Stripe
from ledger import accounts, migrations
from ledger.books import clients, invoices, issuing, seller
from ledger.inbox import waiting
from ledger.store import Store
from runtime import clock
from workers import events

SECRET = "whsec_benchmark"
PART_MINOR = 3025
KIND = "payment_intent.succeeded"
HEADERS = json.dumps({"stripe-signature": f"t=1760000000,v1={'0' * 64}"})

_ZONE = ZoneInfo("Europe/Bucharest")
_CLIENTS = 200
_ISSUED = 1_000
_MARK, _INVOICE = "NUMBER".ljust(24, "X"), "INVOICE"
_SELLER = seller.Seller(
    name="Bench SRL",
    tax_id="RO1234567",
    street="Str. Lungă 1",
    city="Cluj-Napoca",
    country="RO",
    ibans=[],
    language="ro",
    series="INV",
)

# Copies of the invoices that the product has issued, with everything that belongs to them.
_MULTIPLY = """
DO $$
DECLARE last bigint; issued integer; act bigint;
BEGIN
    SELECT max(id), count(*) INTO last, issued FROM invoices;
    SELECT max(id) INTO act FROM journal;
    CREATE TEMPORARY TABLE twin ON COMMIT DROP AS
        SELECT last + row_number() OVER () AS id, act + row_number() OVER () AS act_id, i.id AS of
        FROM generate_series(1, {copies}) AS copy, invoices i ORDER BY copy, i.id;
    INSERT INTO invoices (id, client_id, number, state, currency, issue_on, due_on, total_minor,
                          reminder_cycle)
        OVERRIDING SYSTEM VALUE
        SELECT t.id, client_id, 'INV-' || lpad(t.id::text, greatest(4, length(t.id::text)), '0'),
               state, currency, issue_on, due_on, total_minor, reminder_cycle
        FROM twin t JOIN invoices i ON i.id = t.of;
    INSERT INTO invoice_lines
        SELECT t.id, position, description, quantity, unit, unit_price, discount_minor, vat_rate,
               vat_category, vat_reason, net_minor
        FROM twin t JOIN invoice_lines l ON l.invoice_id = t.of;
    INSERT INTO journal (id, actor, act, after) OVERRIDING SYSTEM VALUE
        SELECT t.act_id, 'bench', 'issue', jsonb_build_object('invoice', t.id) FROM twin t;
    INSERT INTO postings (act_id, kind, source, destination, currency, amount_minor, invoice_id,
                          client_id, effective_on)
        SELECT t.act_id, kind, source, destination, currency, amount_minor, t.id, client_id,
               effective_on
        FROM twin t JOIN postings p ON p.invoice_id = t.of;
    INSERT INTO reminders (invoice_id, step_days, cycle, due_at)
        SELECT t.id, step_days, cycle, due_at FROM twin t JOIN reminders r ON r.invoice_id = t.of;
    UPDATE seller SET next_number = (SELECT max(id) + 1 FROM invoices);
    PERFORM setval(pg_get_serial_sequence('invoices', 'id'), (SELECT max(id) FROM invoices)),
            setval(pg_get_serial_sequence('journal', 'id'), (SELECT max(id) FROM journal));
END $$
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is there: the events that may come, as many as `numbers`, and the gateway they name."""

    series: Series
    gateway: Stripe
    numbers: int

    @property
    def first(self) -> int:
        """The first event that did not arrive yet."""
        return self.series.settled_before


def lay(stores: Stores, spread: int, fresh: int) -> Ground:
    """Makes the database that all others are clones of, with room for `fresh` events."""
    series = _series(spread)
    gateway = Stripe("own", (SECRET,), is_live=False)
    ground = Ground(series, gateway, series.settled_before + fresh)
    store = Store(stores.create(GROUND))
    migrations.upgrade(store)
    with store.transaction() as books:
        seller.put(books, _SELLER)
        accounts.confirm(books, gateway.name, gateway.account)
    needed = series.invoices(ground.numbers)
    issued = min(_ISSUED, 10 * spread, needed)
    _issue(store, issued, clock.now().astimezone(_ZONE).date())
    copies = -(-needed // issued) - 1
    stores.run(GROUND, _MULTIPLY.format(copies=copies))
    stores.settle_down(GROUND)
    put(stores, GROUND, ground, series.prefilled())
    while events.settle_next(store, {gateway.name: gateway}, waiting.claim_fresh):
        pass
    store.close()
    stores.settle_down(GROUND)
    return ground


def put(stores: Stores, database: str, ground: Ground, numbers: Iterable[int]) -> None:
    """Lets events wait in the inbox as if they had just been kept."""
    with stores.connect(database) as connection, connection.cursor() as cursor:
        columns = "gateway, account, event_id, source, kind, headers, raw, sha256"
        with cursor.copy(f"COPY inbox ({columns}) FROM STDIN") as copy:
            for number in numbers:
                body = ground.series.body(number)
                event_id = f"evt_3{ground.series.name(number)}"
                owner = (ground.gateway.name, ground.gateway.account)
                digest = sha256(body).digest()
                copy.write_row((*owner, event_id, "webhook", KIND, HEADERS, body, digest))


def _series(spread: int) -> Series:
    paid = sisters.Paid(_INVOICE, "RON", PART_MINOR, 1_760_000_000)
    told = sisters.of(paid, lambda: _MARK).events
    template = next(event.body for event in told if event.kind == KIND)
    return Series(template, _MARK, _INVOICE, "INV-{:04d}", digits=len(_MARK), spread=spread)


def _issue(store: Store, number: int, today: date) -> None:
    line = Line(
        description="Servicii",
        quantity=Decimal(PARTS),
        unit="buc",
        unit_price=Decimal("25.00"),
        discount=Money("RON", 0),
        vat_rate=Decimal(21),
        vat_category=VatCategory.STANDARD,
        vat_reason=None,
    )
    with store.transaction() as books:
        owners = [
            clients.add(books, clients.NewClient(f"Client {number}")) for number in range(_CLIENTS)
        ]
        for index in range(number):
            draft = invoices.Draft(owners[index % _CLIENTS], "RON", (line,))
            issuing.issue(books, invoices.draft(books, draft), "bench", today, _ZONE)
