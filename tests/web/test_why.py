"""Why an invoice is paid, over HTTP: every posting back to its delivery, and nobody's data."""

from domain.ids import Kind, public
from tests.builders import a_report, ron
from tests.desk import Desk
from tests.web.conftest import Caller, a_draft, posted
from tests.web.test_door import problem


def test_every_posting_leads_to_its_act_its_facts_and_their_deliveries(
    api: Caller, desk: Desk, client_id: str
):
    drafted = posted(api, "/api/invoices", a_draft(client_id))
    number = api.post(f"/api/invoices/{drafted['id']}/send").json()["number"]
    (event,) = desk.deliver([a_report(ron("150.00"), meant_for=number)])
    with desk.store.transaction() as books:
        books.run("UPDATE inbox SET raw = 'Ana', sha256 = '\\x0a0b' WHERE id = :id", id=event)
    desk.settle()

    answer = api.get(f"/api/invoices/{drafted['id']}/why")
    told = answer.json()

    assert answer.status_code == 200
    assert (told["number"], told["status"], told["paid"]) == (number, "paid", "121.00")
    assert told["balance"] == api.get(f"/api/invoices/{drafted['id']}").json()["balance"]
    issued, received, allocated = told["postings"]
    assert (issued["kind"], issued["act"]["actor"], issued["facts"]) == ("issue", "api:tests", [])
    assert issued["paymentId"] is None
    assert (received["amount"], received["currency"]) == ("150.00", "RON")
    assert (received["act"]["actor"], received["act"]["events"]) == ("worker", [event])
    (fact,) = received["facts"]
    assert (fact["reference"], fact["amount"], fact["factClass"]) == ("pi_1", "150.00", "payment")
    delivery = fact["delivery"]
    assert delivery.pop("receivedAt")
    assert delivery == {
        "event": event,
        "eventId": "evt_1",
        "gateway": "stripe",
        "account": "own/test",
        "kind": "test",
        "source": "webhook",
        "sha256": "0a0b",
    }
    assert allocated["invoiceId"] == drafted["id"]
    assert [each["delivery"]["event"] for each in allocated["facts"]] == [event]
    assert "Ana" not in answer.text


def test_a_draft_has_no_postings(api: Caller, client_id: str):
    drafted = posted(api, "/api/invoices", a_draft(client_id))

    assert api.get(f"/api/invoices/{drafted['id']}/why").json()["postings"] == []


def test_an_invoice_that_is_not_there_is_an_unknown_address(api: Caller):
    nowhere = public(Kind.INVOICE, 99)

    assert problem(api.get(f"/api/invoices/{nowhere}/why")) == (404, "unknown_invoice")
