"""The demo: a seller, clients and invoices to try things on, in an empty database."""

from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.invoices import Line, VatCategory
from domain.money import Money, parse
from ledger.books import clients, invoices, issuing, seller
from ledger.books.clients import NewClient
from ledger.books.invoices import Draft
from ledger.books.seller import Seller
from ledger.store import Books, Store

_ACTOR = "demo"
_MOST_LOOKED_AT = 100

# Nobody's data: the CUI fails its own check digit, the IBAN is the sample of ISO 13616.
_SELLER = Seller(
    name="Atelierul Demo SRL",
    tax_id="RO12345678",
    street="Str. Lungă 12",
    city="Cluj-Napoca",
    country="RO",
    ibans=["RO49AAAA1B31007593840000"],
    language="ro",
    series="INV",
)
_FARM = NewClient(
    name="Ferma Dealul Verde SRL",
    number="C-001",
    email="contabilitate@dealul-verde.example",
    tax_id="RO11111111",
    street="Str. Morii 4",
    city="Turda",
    county="Cluj",
    postal_code="401001",
)
_BAKERY = NewClient(
    name="Cofetăria Lămâița SRL",
    number="C-002",
    email="facturi@lamaita.example",
    tax_id="RO22222222",
    street="Bd. Unirii 21",
    city="Iași",
    county="Iași",
    postal_code="700001",
    terms_days=14,
)
_PERSON = NewClient(
    name="Ana Popescu",
    number="C-003",
    email="ana.popescu@example.com",
    is_company=False,
    street="Aleea Rozelor 7, ap. 12",
    city="Brașov",
    county="Brașov",
    postal_code="500001",
    terms_days=7,
)
_STUDIO = NewClient(
    name="Nordlicht Studio GmbH",
    number="C-004",
    email="accounts@nordlicht.example",
    tax_id="DE111111111",
    currency="EUR",
    country="DE",
    street="Hafenstraße 3",
    city="Hamburg",
    postal_code="20457",
    language="en",
    timezone="Europe/Berlin",
)


def seed(store: Store, zone: ZoneInfo, today: date) -> str | None:
    """Fills a database that has neither seller nor clients; leaves any other as it is.

    Answers the number of an open invoice to try a payment on; None when none is in sight. `today`
    is the seller's local day, `zone` its zone.
    """
    with store.transaction() as books:
        if seller.find(books) is None and not clients.page(books, after=0, most=1):
            _fill(books, zone, today)
        return _open_number(books, today)


def _fill(books: Books, zone: ZoneInfo, today: date) -> None:
    seller.put(books, _SELLER)
    farm, bakery, person, studio = (
        clients.add(books, each) for each in (_FARM, _BAKERY, _PERSON, _STUDIO)
    )
    for draft in (
        _draft(bakery, today, 75, 14, _line("Sistem de gestiune, implementare", "2450.00")),
        _draft(
            farm,
            today,
            37,
            30,
            _line("Mentenanță site, luna trecută", "850.00"),
            _line("Găzduire web", "45.50", quantity="12", unit="luni"),
        ),
        _draft(farm, today, 0, 30, _line("Audit de securitate", "983.47")),
        _draft(studio, today, 10, 30, _abroad("Icon set, 40 pieces", "32.50", quantity="40")),
        _draft(
            person,
            today,
            3,
            7,
            _line("Manual tipărit", "89.90", quantity="2", vat_rate="11"),
            _line("Curs online", "240.00", discount="40.00"),
        ),
        _draft(studio, today, 0, 30, _abroad("Design system, first milestone", "3200.00")),
    ):
        issuing.issue(books, invoices.draft(books, draft), _ACTOR, today, zone)
    for draft in (
        Draft(bakery, "RON", (_line("Instruire personal", "180.00", quantity="6", unit="ore"),)),
        Draft(studio, "EUR", (_abroad("Design system, second milestone", "4100.00"),)),
    ):
        invoices.draft(books, draft)


def _draft(client_id: int, today: date, issued_ago: int, terms: int, *lines: Line) -> Draft:
    """A draft issued so many days ago, due after its terms."""
    issue_on = today - timedelta(days=issued_ago)
    currency = lines[0].discount.currency
    return Draft(
        client_id=client_id,
        currency=currency,
        lines=lines,
        issue_on=issue_on,
        due_on=issue_on + timedelta(days=terms),
    )


def _line(
    description: str,
    unit_price: str,
    *,
    quantity: str = "1",
    unit: str = "buc",
    discount: str = "0",
    vat_rate: str = "21",
) -> Line:
    """A line in RON; Romania's rates are 21 % and reduced 11 % since August 2025."""
    return Line(
        description=description,
        quantity=Decimal(quantity),
        unit=unit,
        unit_price=Decimal(unit_price),
        discount=parse(discount, "RON"),
        vat_rate=Decimal(vat_rate),
        vat_category=VatCategory.STANDARD,
    )


def _abroad(description: str, unit_price: str, *, quantity: str = "1") -> Line:
    """A line in EUR for a company in another member state, who owes the VAT there."""
    return Line(
        description=description,
        quantity=Decimal(quantity),
        unit="pcs",
        unit_price=Decimal(unit_price),
        discount=Money("EUR", 0),
        vat_rate=Decimal(0),
        vat_category=VatCategory.REVERSE_CHARGE,
        vat_reason="Reverse charge, Article 196 of Directive 2006/112/EC",
    )


def _open_number(books: Books, today: date) -> str | None:
    """The first open invoice that is not late, else the first open one, of those in sight."""
    found = [
        invoice
        for invoice in invoices.page(books, invoices.Wanted(), after=0, most=_MOST_LOOKED_AT)
        if invoice.is_open
    ]
    in_time = [invoice for invoice in found if not invoice.is_overdue(today)]
    return next((invoice.number for invoice in (*in_time, *found)), None)
