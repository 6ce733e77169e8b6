"""Payments over HTTP: the object that was documented, told from the books."""

from typing import Any

from tests.builders import a_report, ron
from tests.desk import Desk
from tests.web.conftest import Caller, a_draft, posted

FIELDS = {
    *("id", "amount", "currency", "paymentDate", "paymentMethod", "reference", "notes"),
    *("isReconciled", "paymentCreatedAt", "createdAt", "updatedAt"),
    *("clientId", "invoiceId", "invoice", "state", "unapplied", "allocations", "gateway"),
    *("gatewayReference", "externalId"),
}


def an_invoice(api: Caller, client_id: str) -> dict[str, Any]:
    drafted = posted(api, "/api/invoices", a_draft(client_id))
    return dict(api.post(f"/api/invoices/{drafted['id']}/send").json())


def test_a_payment_is_the_documented_object(api: Caller, desk: Desk, client_id: str):
    invoice = an_invoice(api, client_id)
    desk.deliver([a_report(ron("150.00"), reference="pi_9", meant_for=invoice["number"])])
    desk.settle()

    (payment,) = api.get("/api/payments").json()["data"]

    assert set(payment) == FIELDS
    assert api.get(f"/api/payments/{payment['id']}").json() == payment
    assert (payment["amount"], payment["currency"]) == ("150.00", "RON")
    assert (payment["paymentDate"], payment["paymentMethod"]) == ("2026-11-20", "stripe")
    assert (payment["state"], payment["isReconciled"]) == ("POSTED", False)
    assert (payment["clientId"], payment["invoiceId"]) == (client_id, invoice["id"])
    assert payment["unapplied"] == "29.00"
    assert payment["allocations"] == [{"invoiceId": invoice["id"], "amount": "121.00"}]
    assert (payment["gateway"], payment["gatewayReference"]) == ("stripe", "pi_9")
    assert payment["paymentCreatedAt"] == payment["createdAt"]
    assert payment["externalId"] is None


def test_money_of_nobody_known_is_unapplied(api: Caller, desk: Desk):
    desk.deliver([a_report(ron("10.00"), meant_for=None)])
    desk.settle()

    (payment,) = api.get("/api/payments").json()["data"]

    assert (payment["clientId"], payment["invoiceId"], payment["allocations"]) == (None, None, [])
    assert payment["unapplied"] == "10.00"


def test_payments_are_found_by_invoice_and_by_client(api: Caller, desk: Desk, client_id: str):
    other_client = posted(api, "/api/clients", {"name": "Bogdan"})["id"]
    first, second = an_invoice(api, client_id), an_invoice(api, client_id)
    foreign = an_invoice(api, other_client)
    for each, invoice in enumerate((first, second, foreign, foreign)):
        desk.deliver([a_report(ron("1.00"), reference=f"pi_{each}", meant_for=invoice["number"])])
    desk.settle()

    def found(**asked: str) -> list[str]:
        listed = api.get("/api/payments", params=asked).json()["data"]
        return [payment["gatewayReference"] for payment in listed]

    assert found(invoice=first["id"]) == ["pi_0"]
    assert found(client=client_id) == ["pi_0", "pi_1"]
    assert found(client=other_client) == ["pi_2", "pi_3"]
    assert found(client=other_client, invoice=first["id"]) == []
    assert found() == ["pi_0", "pi_1", "pi_2", "pi_3"]


def test_a_partly_paid_invoice_shows_every_payment(api: Caller, desk: Desk, client_id: str):
    invoice = an_invoice(api, client_id)
    for each, amount in enumerate(("50.00", "71.00")):
        desk.deliver([a_report(ron(amount), reference=f"pi_{each}", meant_for=invoice["number"])])
        desk.settle()

    listed = api.get("/api/payments", params={"invoice": invoice["id"], "limit": 1}).json()
    rest = api.get(
        "/api/payments", params={"invoice": invoice["id"], "cursor": listed["next"]}
    ).json()

    assert [payment["amount"] for payment in listed["data"]] == ["50.00"]
    assert [payment["amount"] for payment in rest["data"]] == ["71.00"]
    assert api.get(f"/api/invoices/{invoice['id']}").json()["status"] == "paid"
