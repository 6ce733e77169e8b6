"""Invoices over HTTP: drafted, sent, void; and what they show of what the books say."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from domain.ids import Kind, number, public
from tests.builders import a_report, ron
from tests.desk import Desk
from tests.web.conftest import CLIENT, Caller, a_draft, posted
from tests.web.test_door import problem


def sent(api: Caller, client_id: str, **fields: object) -> dict[str, Any]:
    drafted = posted(api, "/api/invoices", a_draft(client_id, **fields))
    answer = api.post(f"/api/invoices/{drafted['id']}/send")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_draft_is_shown_as_it_was_entered(api: Caller, client_id: str):
    line = {
        "description": "Găzduire web",
        "quantity": "2.5",
        "unit": "luni",
        "unitPrice": "45.50",
        "discount": "13.75",
        "vatRate": "11",
        "vatCategory": "S",
        "vatReason": None,
    }

    added = api.post(
        "/api/invoices",
        json={
            "clientId": client_id,
            "externalId": "crm-1",
            "currency": "EUR",
            "issueDate": "2026-11-01",
            "dueDate": "2026-11-15",
            "lines": [line],
        },
    )

    assert added.status_code == 201
    shown = api.get(added.headers["location"]).json()
    assert shown == added.json()
    assert shown["lines"] == [line]
    assert (shown["clientId"], shown["externalId"]) == (client_id, "crm-1")
    assert (shown["issueDate"], shown["dueDate"]) == ("2026-11-01", "2026-11-15")
    assert (shown["currency"], shown["number"]) == ("EUR", None)
    assert (shown["total"], shown["paid"], shown["balance"]) == ("111.00", "0.00", "111.00")
    assert (shown["status"], shown["isOverdue"]) == ("draft", False)


def test_a_draft_is_in_its_clients_currency_unless_it_says_otherwise(api: Caller):
    client = posted(api, "/api/clients", {"name": "Ana", "currency": "JPY"})

    drafted = posted(api, "/api/invoices", a_draft(client["id"], price=100))

    assert (drafted["currency"], drafted["total"]) == ("JPY", "121")
    assert drafted["lines"][0]["unitPrice"] == "100"


def test_sending_gives_the_number_and_the_days(api: Caller, client_id: str):
    invoices = [sent(api, client_id) for _ in range(2)]

    assert [invoice["number"] for invoice in invoices] == ["INV-0001", "INV-0002"]
    assert invoices[0]["issueDate"] == "2026-11-20"
    assert invoices[0]["dueDate"] == "2026-12-20"
    assert invoices[0]["status"] == "sent"


def test_an_invoice_is_sent_once(api: Caller, client_id: str):
    invoice = sent(api, client_id)

    answer = api.post(f"/api/invoices/{invoice['id']}/send")

    assert problem(answer) == (409, "not_a_draft")
    assert api.get(f"/api/invoices/{invoice['id']}").json() == invoice


def test_sent_by_many_at_once_it_gets_one_number(api: Caller, client_id: str):
    drafts = [posted(api, "/api/invoices", a_draft(client_id))["id"] for _ in range(3)]

    with ThreadPoolExecutor(8) as hands:
        paths = [f"/api/invoices/{draft}/send" for draft in drafts * 6]
        statuses = Counter(hands.map(lambda path: api.post(path).status_code, paths))

    assert statuses == {200: 3, 409: 15}
    listed = api.get("/api/invoices").json()["data"]
    assert sorted(invoice["number"] for invoice in listed) == ["INV-0001", "INV-0002", "INV-0003"]


def test_an_invoice_cannot_be_sent_by_nobody(api: Caller, desk: Desk, client_id: str):
    with desk.store.transaction() as books:
        books.run("DELETE FROM seller")
    drafted = posted(api, "/api/invoices", a_draft(client_id))

    answer = api.post(f"/api/invoices/{drafted['id']}/send")

    assert problem(answer) == (409, "no_seller")
    assert "incasso setup" in answer.json()["detail"]


def test_sending_is_signed_by_the_token(api: Caller, desk: Desk, client_id: str):
    sent(api, client_id)

    assert desk.query("SELECT actor, act FROM journal") == [("api:tests", "issue")]


def test_a_late_invoice_is_overdue(api: Caller, client_id: str):
    late = sent(api, client_id, issueDate="2026-11-01", dueDate="2026-11-19")
    due_today = sent(api, client_id, issueDate="2026-11-01", dueDate="2026-11-20")

    assert (late["status"], late["isOverdue"]) == ("overdue", True)
    assert (due_today["status"], due_today["isOverdue"]) == ("sent", False)


@pytest.mark.parametrize(
    ("paid", "status", "shown_paid", "balance"),
    [
        ("21.00", "partially_paid", "21.00", "100.00"),
        ("121.00", "paid", "121.00", "0.00"),
        ("150.00", "paid", "121.00", "-29.00"),
    ],
)
def test_money_moves_paid_balance_and_status(
    api: Caller, desk: Desk, client_id: str, paid: str, status: str, shown_paid: str, balance: str
):
    invoice = sent(api, client_id)
    desk.deliver([a_report(ron(paid), meant_for=invoice["number"])])

    desk.settle()

    shown = api.get(f"/api/invoices/{invoice['id']}").json()
    assert (shown["status"], shown["paid"], shown["balance"]) == (status, shown_paid, balance)


def test_a_partly_paid_late_invoice_says_both(api: Caller, desk: Desk, client_id: str):
    invoice = sent(api, client_id, issueDate="2026-10-01", dueDate="2026-10-31")
    desk.deliver([a_report(ron("1.00"), meant_for=invoice["number"])])

    desk.settle()

    shown = api.get(f"/api/invoices/{invoice['id']}").json()
    assert (shown["status"], shown["isOverdue"]) == ("partially_paid", True)


def test_voiding_frees_what_was_paid(api: Caller, desk: Desk, client_id: str):
    invoice = sent(api, client_id)
    desk.deliver([a_report(ron("121.00"), meant_for=invoice["number"])])
    desk.settle()

    answer = api.post(f"/api/invoices/{invoice['id']}/void", json={"reason": "twice"})

    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["status"], shown["total"], shown["paid"]) == ("void", "121.00", "0.00")
    assert shown["balance"] == "-121.00"
    assert desk.query("SELECT reason FROM journal WHERE act = 'void'") == [("twice",)]
    assert desk.differences() == []


def test_only_what_was_sent_can_be_voided(api: Caller, client_id: str):
    drafted = posted(api, "/api/invoices", a_draft(client_id))

    answer = api.post(f"/api/invoices/{drafted['id']}/void", json={"reason": "a mistake"})

    assert problem(answer) == (409, "not_issued")


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": " "}, {"reason": None}, {"reason": "x", "paid": 0}]
)
def test_voiding_needs_a_reason_and_nothing_else(api: Caller, client_id: str, body: dict[str, Any]):
    invoice = sent(api, client_id)

    answer = api.post(f"/api/invoices/{invoice['id']}/void", json=body)

    assert problem(answer) == (422, "malformed_request")
    assert api.get(f"/api/invoices/{invoice['id']}").json()["status"] == "sent"


@pytest.mark.parametrize("action", ["send", "void"])
def test_nothing_can_be_done_to_an_unknown_invoice(refused: Caller, action: str):
    answer = refused.post(
        f"/api/invoices/{public(Kind.INVOICE, 7)}/{action}", json={"reason": "a mistake"}
    )

    assert problem(answer) == (404, "unknown_invoice")


def test_a_draft_for_an_unknown_client_is_refused(refused: Caller):
    stranger = str(public(Kind.CLIENT, 7))

    for fields in ({}, {"currency": "RON"}):
        answer = refused.post("/api/invoices", json=a_draft(stranger, **fields))
        assert problem(answer) == (404, "unknown_client")


def test_an_external_id_belongs_to_one_invoice(api: Caller, client_id: str):
    posted(api, "/api/invoices", a_draft(client_id, externalId="7"))

    answer = api.post("/api/invoices", json=a_draft(client_id, externalId="7"))

    assert problem(answer) == (409, "already_exists")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clientId", "1"),
        ("clientId", str(public(Kind.INVOICE, 1))),
        ("clientId", 1),
        ("currency", "XXX"),
        ("issueDate", "2026-02-30"),
        ("issueDate", "20261120"),
        ("issueDate", "2026-11-20T00:00:00"),
        ("issueDate", 1795132800),
        ("issueDate", "0001-01-01"),
        ("dueDate", "9999-12-31"),
        ("dueDate", "２０２６-11-20"),
        ("lines", []),
        ("lines", None),
        ("lines", {}),
        ("externalId", "a\x00b"),
        ("status", "paid"),
        ("paid", "100.00"),
        ("paid_minor", 1),
        ("number", "INV-0009"),
        ("total", "1.00"),
        ("balance", "0.00"),
        ("tenant_id", 1),
    ],
)
def test_a_senseless_or_foreign_field_is_refused(refused: Caller, field: str, value: object):
    answer = refused.post("/api/invoices", json=a_draft(CLIENT) | {field: value})

    assert problem(answer)[0] == 422


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"quantity": "0"}, "malformed_line"),
        ({"discount": "100.01"}, "malformed_line"),
        ({"discount": "0.001"}, "malformed_amount"),
        ({"vatRate": "21.001"}, "malformed_line"),
        ({"vatRate": "0"}, "malformed_vat"),
        ({"vatRate": "101"}, "malformed_vat"),
        ({"vatCategory": "AE"}, "malformed_vat"),
        ({"vatCategory": "AE", "vatRate": 0}, "malformed_vat"),
        ({"unitPrice": "0"}, "total_out_of_range"),
        ({"unitPrice": "999999999999", "quantity": "999"}, "total_out_of_range"),
        ({"vatCategory": "X"}, "malformed_request"),
        ({"description": ""}, "malformed_request"),
        ({"description": "x" * 1001}, "malformed_request"),
        ({"unit": "\x07"}, "malformed_request"),
        ({"net": "1.00"}, "malformed_request"),
    ],
)
def test_a_senseless_line_is_refused(refused: Caller, line: dict[str, Any], code: str):
    body = a_draft(CLIENT)
    body["lines"][0] |= line

    assert problem(refused.post("/api/invoices", json=body)) == (422, code)


def test_due_before_issue_is_refused(refused: Caller):
    body = a_draft(CLIENT, issueDate="2026-11-20", dueDate="2026-11-19")

    assert problem(refused.post("/api/invoices", json=body)) == (422, "malformed_dates")


def test_invoices_are_listed_by_client(api: Caller, client_id: str):
    other = posted(api, "/api/clients", {"name": "Bogdan"})["id"]
    posted(api, "/api/invoices", a_draft(other))
    whole = sent(api, client_id)

    listed = api.get("/api/invoices", params={"client": client_id}).json()

    del whole["lines"]
    assert listed == {"data": [whole], "next": None}
    assert len(api.get("/api/invoices").json()["data"]) == 2


def test_an_id_is_the_same_everywhere(api: Caller, client_id: str):
    invoice = sent(api, client_id)

    assert number(Kind.INVOICE, invoice["id"]) == 1
    assert number(Kind.CLIENT, invoice["clientId"]) == 1
