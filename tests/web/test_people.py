"""What people decide about money, over HTTP: signed, safe to ask again, and clear in refusal."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from domain.ids import Kind, public
from domain.invoices import Status
from tests.builders import a_report, eur, ron
from tests.desk import Desk
from tests.web.conftest import Caller, a_draft, posted
from tests.web.test_door import problem
from tests.web.test_payments import an_invoice

NOBODY = str(public(Kind.PAYMENT, 99))


@pytest.fixture
def payment(api: Caller, desk: Desk) -> str:
    """150.00 RON of nobody known."""
    return paid(api, desk, "150", None)


def paid(api: Caller, desk: Desk, amount: str, meant_for: str | None, reference="pi_1") -> str:
    desk.deliver([a_report(ron(amount), reference=reference, meant_for=meant_for)])
    desk.settle()
    found = api.get("/api/payments").json()["data"]
    return next(str(each["id"]) for each in found if each["gatewayReference"] == reference)


def link(api: Caller, payment: str, invoice: dict[str, Any], **fields: object) -> httpx.Response:
    body = {"invoiceId": invoice["id"], **fields}
    return api.post(f"/api/payments/{payment}/link_to_invoice", json=body)


def test_a_link_answers_the_invoice_and_applies_the_money(
    api: Caller, desk: Desk, client_id: str, payment: str
):
    invoice = an_invoice(api, client_id)

    answer = link(api, payment, invoice)

    assert answer.status_code == 200
    told = answer.json()
    assert (told["invoice"], told["invoiceId"]) == (f"/api/invoices/{invoice['id']}", invoice["id"])
    assert (told["clientId"], told["unapplied"]) == (client_id, "29.00")
    assert told["allocations"] == [{"invoiceId": invoice["id"], "amount": "121.00"}]
    assert link(api, payment, invoice).json() == told
    assert api.get(f"/api/invoices/{invoice['id']}").json()["status"] == "paid"
    assert desk.query("SELECT actor, act, reason FROM journal WHERE act = 'link'") == [
        ("api:tests", "link", None)
    ]


def test_a_link_gives_up_to_its_amount(api: Caller, client_id: str, payment: str):
    invoice = an_invoice(api, client_id)

    told = link(api, payment, invoice, amount="20.50", reason="part").json()

    assert told["allocations"] == [{"invoiceId": invoice["id"], "amount": "20.50"}]
    assert problem(link(api, payment, invoice, amount=10)) == (409, "already_linked")


def test_unlinking_answers_without_a_body(api: Caller, client_id: str, payment: str):
    invoice = an_invoice(api, client_id)
    link(api, payment, invoice)

    answer = api.post(f"/api/payments/{payment}/unlink_from_invoice")

    assert (answer.status_code, answer.content) == (200, b"")
    told = api.get(f"/api/payments/{payment}").json()
    assert (told["invoice"], told["invoiceId"], told["unapplied"]) == (None, None, "150.00")
    again = api.post(f"/api/payments/{payment}/unlink_from_invoice", json={"reason": "again"})
    assert problem(again) == (409, "not_linked")


def test_several_links_want_a_name(api: Caller, client_id: str, payment: str):
    first, second = an_invoice(api, client_id), an_invoice(api, client_id)
    link(api, payment, first)
    link(api, payment, second)
    path = f"/api/payments/{payment}/unlink_from_invoice"

    assert problem(api.post(path)) == (422, "ambiguous")
    assert api.post(path, json={"invoiceId": first["id"]}).status_code == 200

    allocations = api.get(f"/api/payments/{payment}").json()["allocations"]
    assert allocations == [{"invoiceId": second["id"], "amount": "121.00"}]


def test_money_is_only_linked_within_client_and_currency(api: Caller, desk: Desk, client_id: str):
    other = posted(api, "/api/clients", {"name": "Bogdan"})["id"]
    payment = paid(api, desk, "150", an_invoice(api, client_id)["number"])
    desk.deliver([a_report(eur("7"), reference="pi_eur", meant_for=None)])
    desk.settle()
    foreign = str(public(Kind.PAYMENT, 2))

    assert problem(link(api, payment, an_invoice(api, other))) == (422, "other_client")
    assert problem(link(api, foreign, an_invoice(api, client_id))) == (422, "other_currency")
    assert problem(link(api, NOBODY, an_invoice(api, client_id))) == (404, "unknown_payment")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "malformed_request"),
        ({"invoiceId": "x"}, "malformed_request"),
        ({"amount": "0"}, "malformed_request"),
        ({"amount": "-1"}, "malformed_request"),
        ({"amount": "0.001"}, "malformed_amount"),
        ({"reason": "a\nb"}, "malformed_request"),
        ({"clientId": "x"}, "malformed_request"),
    ],
)
def test_a_senseless_link_changes_nothing(
    api: Caller, desk: Desk, client_id: str, payment: str, body: dict[str, str], code: str
):
    invoice = an_invoice(api, client_id)
    given = {"invoiceId": invoice["id"], **body} if body else {}

    answer = api.post(f"/api/payments/{payment}/link_to_invoice", json=given)

    assert problem(answer) == (422, code)
    assert desk.query("SELECT count(*) FROM intents") == [(0,)]


def test_money_is_assigned_once(api: Caller, client_id: str, payment: str):
    other = posted(api, "/api/clients", {"name": "Bogdan"})["id"]
    path = f"/api/payments/{payment}/assign"

    told = api.post(path, json={"clientId": client_id})

    assert told.json()["clientId"] == client_id
    assert api.post(path, json={"clientId": client_id}).json() == told.json()
    assert problem(api.post(path, json={"clientId": other})) == (409, "already_assigned")


def test_a_client_shows_what_he_owes_and_has(api: Caller, desk: Desk, client_id: str):
    invoice = an_invoice(api, client_id)
    an_invoice(api, client_id)
    first = paid(api, desk, "150", invoice["number"])
    second = paid(api, desk, "5", invoice["number"], "pi_2")
    drafted = posted(api, "/api/invoices", a_draft(client_id, currency="EUR"))
    api.post(f"/api/invoices/{drafted['id']}/send")

    shown = api.get(f"/api/clients/{client_id}").json()

    assert shown["balance"] == [
        {"currency": "EUR", "amount": "121.00"},
        {"currency": "RON", "amount": "87.00"},
    ]
    assert shown["unapplied"] == [
        {
            "currency": "RON",
            "amount": "34.00",
            "payments": [
                {"paymentId": first, "amount": "29.00"},
                {"paymentId": second, "amount": "5.00"},
            ],
        }
    ]


def test_a_client_of_nothing_shows_nothing(api: Caller, client_id: str):
    shown = api.get(f"/api/clients/{client_id}").json()

    assert (shown["balance"], shown["unapplied"]) == ([], [])


def test_payments_are_found_by_state_and_by_credit(api: Caller, desk: Desk, client_id: str):
    invoice = an_invoice(api, client_id)
    paid(api, desk, "121", invoice["number"])
    credit = paid(api, desk, "1", invoice["number"], "pi_2")
    nobodys = paid(api, desk, "1", None, "pi_3")

    def found(**asked: str) -> list[str]:
        listed = api.get("/api/payments", params=asked)
        assert listed.status_code == 200, listed.text
        return [payment["id"] for payment in listed.json()["data"]]

    assert found(unapplied="true") == [credit, nobodys]
    assert found(unapplied="true", client=client_id) == [credit]
    assert len(found(state="POSTED")) == 3
    assert found(state="DRAFT") == []
    assert problem(api.get("/api/payments", params={"state": "posted"}))[0] == 422


def test_every_status_finds_its_invoices_and_no_other(api: Caller, desk: Desk, client_id: str):
    late = {"issueDate": "2026-11-01", "dueDate": "2026-11-19"}
    due_today = {"issueDate": "2026-11-01", "dueDate": "2026-11-20"}
    made = [
        posted(api, "/api/invoices", a_draft(client_id, **days))["id"]
        for days in ({}, {}, {}, {}, {}, late, late, due_today)
    ]
    numbers = [api.post(f"/api/invoices/{each}/send").json()["number"] for each in made[1:]]
    api.post(f"/api/invoices/{made[1]}/void", json={"reason": "a mistake"})
    api.post(f"/api/invoices/{made[2]}/write_off", json={"reason": "gone"})
    paid(api, desk, "121", numbers[2])
    paid(api, desk, "1", numbers[3], "pi_2")
    paid(api, desk, "1", numbers[4], "pi_3")
    shown = api.get("/api/invoices").json()["data"]
    seen = {each["status"] for each in shown}
    assert seen == set(Status)

    for status in Status:
        listed = api.get("/api/invoices", params={"status": status}).json()["data"]

        assert listed == [each for each in shown if each["status"] == status]


def test_an_invoice_is_found_by_its_number(api: Caller, client_id: str):
    wanted = [an_invoice(api, client_id) for _ in range(2)][1]

    def found(number: str) -> list[str]:
        listed = api.get("/api/invoices", params={"number": number}).json()["data"]
        return [invoice["id"] for invoice in listed]

    assert found(wanted["number"]) == [wanted["id"]]
    assert found("INV-9999") == []


@pytest.mark.parametrize(
    ("action", "shown_as"), [("credit_note", "credited"), ("write_off", "writtenOff")]
)
def test_what_is_owed_is_lowered_with_a_reason(
    api: Caller, desk: Desk, client_id: str, action: str, shown_as: str
):
    invoice = an_invoice(api, client_id)
    path = f"/api/invoices/{invoice['id']}/{action}"

    part = api.post(path, json={"amount": "21.00", "reason": "a gift"}).json()
    rest = api.post(path, json={"reason": "gone"}).json()

    assert (part[shown_as], part["balance"], part["status"]) == ("21.00", "100.00", "sent")
    assert (rest[shown_as], rest["balance"], rest["status"]) == ("121.00", "0.00", "closed")
    assert problem(api.post(path, json={"reason": "again"})) == (409, "not_open")
    assert problem(api.post(path, json={"amount": 1, "reason": "x"})) == (409, "beyond_total")
    assert problem(api.post(path, json={"amount": 1})) == (422, "malformed_request")
    assert desk.query("SELECT actor, reason FROM journal WHERE act <> 'issue' ORDER BY id") == [
        ("api:tests", "a gift"),
        ("api:tests", "gone"),
    ]


def test_a_write_off_is_taken_back(api: Caller, client_id: str):
    invoice = an_invoice(api, client_id)
    path = f"/api/invoices/{invoice['id']}"
    api.post(f"{path}/write_off", json={"reason": "gone"})

    told = api.post(f"{path}/undo_write_off", json={"reason": "he pays"}).json()

    assert (told["writtenOff"], told["balance"], told["status"]) == ("0.00", "121.00", "sent")
    again = api.post(f"{path}/undo_write_off", json={"reason": "again"})
    assert problem(again) == (409, "not_written_off")


def test_asked_again_under_its_key_nothing_is_done_again(api: Caller, desk: Desk, client_id: str):
    invoice = an_invoice(api, client_id)
    path = f"/api/invoices/{invoice['id']}/credit_note"
    headers, body = {"Idempotency-Key": "k-1"}, {"amount": "10.00", "reason": "a gift"}

    told = [api.post(path, json=body, headers=headers).json() for _ in range(3)]
    other = api.post(path, json=body | {"amount": "11.00"}, headers=headers)

    assert told[0]["credited"] == "10.00"
    assert told[1:] == told[:1] * 2
    assert problem(other) == (422, "key_reused")
    assert api.post(path, json=body).json()["credited"] == "20.00"
    assert desk.differences() == []


def test_a_key_is_not_used_up_by_a_refusal(api: Caller, client_id: str, payment: str):
    invoice = posted(api, "/api/invoices", a_draft(client_id))
    path = f"/api/invoices/{invoice['id']}/write_off"
    headers, body = {"Idempotency-Key": "k-1"}, {"reason": "gone"}

    assert problem(api.post(path, json=body, headers=headers)) == (409, "not_issued")
    api.post(f"/api/invoices/{invoice['id']}/send")

    assert api.post(path, json=body, headers=headers).json()["status"] == "closed"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_malformed_key_is_refused(api: Caller, client_id: str, key: str):
    invoice = an_invoice(api, client_id)

    answer = api.post(
        f"/api/invoices/{invoice['id']}/write_off",
        json={"reason": "gone"},
        headers={"Idempotency-Key": key},
    )

    assert problem(answer) == (422, "malformed_request")


def test_asked_at_once_under_one_key_it_is_done_once(api: Caller, desk: Desk, client_id: str):
    invoice = an_invoice(api, client_id)
    path = f"/api/invoices/{invoice['id']}/credit_note"

    def ask(_: int) -> int:
        body, headers = {"amount": 10, "reason": "a gift"}, {"Idempotency-Key": "k-1"}
        return api.post(path, json=body, headers=headers).status_code

    with ThreadPoolExecutor(6) as hands:
        assert set(hands.map(ask, range(12))) == {200}

    assert desk.standing(1).credited_minor == 1000


def test_why_tells_who_wrote_it_off(api: Caller, client_id: str):
    invoice = an_invoice(api, client_id)
    api.post(f"/api/invoices/{invoice['id']}/write_off", json={"reason": "gone"})

    told = api.get(f"/api/invoices/{invoice['id']}/why").json()["postings"][-1]

    assert (told["kind"], told["source"]) == ("write_off", "outside:write_off")
    assert (told["act"]["actor"], told["act"]["reason"]) == ("api:tests", "gone")
