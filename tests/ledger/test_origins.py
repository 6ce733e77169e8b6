"""Every posting of an invoice leads to its act, its facts and their deliveries."""

from ledger.books import origins
from ledger.books.origins import Origin
from ledger.store import Store
from tests.builders import a_report, ron
from tests.desk import Desk
from tests.ledger.counting import counted


def of_invoice(store: Store, invoice_id: int) -> list[Origin]:
    with store.snapshot() as books:
        return origins.of_invoice(books, invoice_id)


def test_a_paid_invoice_leads_back_to_what_the_gateway_told(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    told, again = desk.deliver(*[[a_report(ron("121"), meant_for=invoice.number)]] * 2)
    desk.query(f"UPDATE inbox SET sha256 = '\\x0a0b' WHERE id = {told} RETURNING id")
    desk.settle()

    issued, received, allocated = of_invoice(store, invoice.id)

    assert (issued.posting.kind, issued.act.actor, issued.act.act) == ("issue", "test", "issue")
    assert (issued.act.events, issued.facts) == ([], ())
    assert (received.posting.kind, received.act.actor) == ("receive", "worker")
    assert received.act.events == [told, again]
    (fact,) = received.facts
    assert (fact.reference, fact.status, fact.amount_minor) == ("pi_1", "succeeded", 12100)
    assert (fact.event, fact.event_id, fact.event_source) == (told, "evt_1", "webhook")
    assert fact.sha256 == "0a0b"
    assert allocated.posting.kind == "allocate"
    assert list(allocated.facts) == [fact]


def test_what_its_payments_did_elsewhere_belongs_to_it_and_nothing_else_does(
    desk: Desk, store: Store
):
    client = desk.open()
    first, other = desk.invoice(client), desk.invoice(client)
    desk.deliver(
        [a_report(ron("150"), reference="pi_1", meant_for=first.number)],
        [a_report(ron("121"), reference="pi_2", meant_for=other.number)],
    )
    desk.settle()
    desk.void(first.id)

    found = of_invoice(store, first.id)

    assert [(each.posting.kind, each.posting.reverses) for each in found] == [
        ("issue", None),
        ("receive", None),
        ("allocate", None),
        ("allocate", found[2].posting.id),
        ("void", None),
    ]
    assert {fact.reference for each in found for fact in each.facts} == {"pi_1"}
    assert found[-1].act.reason == "a mistake"


def test_it_takes_as_many_statements_for_one_payment_as_for_twenty(desk: Desk, store: Store):
    client = desk.open()
    one, many = desk.invoice(client), desk.invoice(client)
    desk.deliver(
        [a_report(ron("1"), reference="pi_one", meant_for=one.number)],
        *([a_report(ron("1"), reference=f"pi_{n}", meant_for=many.number)] for n in range(20)),
    )
    desk.settle()

    counts = []
    for invoice in (one, many):
        with counted(store) as statements:
            of_invoice(store, invoice.id)
        counts.append(len(statements))

    assert len(of_invoice(store, many.id)) == 1 + 20 * 2
    assert counts[0] == counts[1]


def test_an_invoice_without_postings_has_no_origins(desk: Desk, store: Store):
    draft = desk.draft(desk.open())

    assert of_invoice(store, draft) == []
