"""The demo: something to try things on, in an empty database and in no other."""

from cli import demo
from domain.invoices import InvoiceState, Status, status
from ledger.books import invoices
from ledger.store import Store
from tests.builders import TODAY, ZONE
from tests.desk import Desk


def test_the_demo_has_invoices_of_every_kind_and_right_books(store: Store, desk: Desk):
    suggested = demo.seed(store, ZONE, TODAY)

    with store.snapshot() as books:
        found = invoices.page(books, invoices.Wanted(), after=0, most=100)
    assert suggested == "INV-0003"
    assert {status(invoice, TODAY) for invoice in found} == {
        Status.DRAFT,
        Status.SENT,
        Status.OVERDUE,
    }
    assert {invoice.currency for invoice in found} == {"RON", "EUR"}
    issued = [each for each in found if each.state is InvoiceState.ISSUED]
    assert [each.number for each in issued] == [f"INV-{n:04}" for n in range(1, len(issued) + 1)]
    assert desk.query("SELECT count(*) FROM clients") == [(4,)]
    assert desk.differences() == []


def test_the_suggested_invoice_is_the_one_of_the_example(store: Store):
    suggested = demo.seed(store, ZONE, TODAY)

    with store.snapshot() as books:
        invoice = invoices.find_by_number(books, str(suggested))
    assert invoice is not None
    assert (invoice.total_minor, invoice.open_minor) == (119_000, 119_000)


def test_a_second_start_adds_nothing_and_suggests_what_is_still_open(store: Store, desk: Desk):
    demo.seed(store, ZONE, TODAY)
    before = desk.query("SELECT count(*) FROM invoices")

    assert demo.seed(store, ZONE, TODAY) == "INV-0003"
    assert desk.query("SELECT count(*) FROM invoices") == before


def test_a_database_in_use_is_left_alone(store: Store, desk: Desk):
    desk.open()

    assert demo.seed(store, ZONE, TODAY) is None
    assert desk.query("SELECT count(*) FROM clients") == [(1,)]
    assert desk.query("SELECT count(*) FROM invoices") == [(0,)]


def test_only_late_invoices_are_suggested_when_nothing_else_is_open(store: Store, desk: Desk):
    client = desk.open()
    invoice = desk.invoice(client)
    with store.transaction() as books:
        books.run("UPDATE invoices SET due_on = DATE '2026-01-01', issue_on = DATE '2026-01-01'")

    assert demo.seed(store, ZONE, TODAY) == invoice.number
