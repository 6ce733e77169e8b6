"""Refunds over HTTP: reserved at once, told how far they have come, given back once per key."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.ids import Kind, public
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from ledger.store import Store
from tests.builders import a_report, ron
from tests.desk import Desk
from tests.web.conftest import TOKEN, Caller, calling

WHY = {"reason": "goods came back"}


@pytest.fixture
def api(store: Store) -> Iterator[Caller]:
    stripe = Stripe("own", ("whsec",), is_live=False, api=StripeApi("sk_test_x", None))
    with calling(store, {"stripe": stripe}) as caller:
        caller.headers["Authorization"] = f"Bearer {TOKEN}"
        yield caller


@pytest.fixture
def payment(desk: Desk) -> str:
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("121.00"), reference="pi_1", meant_for=invoice.number)])
    desk.settle()
    return str(public(Kind.PAYMENT, desk.payments()[-1].id))


def refund(api: Caller, payment: str, key: str | None = None, **said: Any) -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = api.post(f"/api/payments/{payment}/refund", json=WHY | said, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def test_a_refund_is_reserved_and_shown(api: Caller, payment: str):
    begun = refund(api, payment, amount="21.00")

    assert set(begun) == {
        *("id", "paymentId", "amount", "currency", "state", "reason", "detail"),
        *("gatewayReference", "createdAt", "closedAt"),
    }
    assert (begun["amount"], begun["currency"], begun["state"]) == ("21.00", "RON", "OPEN")
    assert (begun["paymentId"], begun["reason"]) == (payment, "goods came back")
    assert api.get(f"/api/refunds/{begun['id']}").json() == begun
    assert api.get(f"/api/payments/{payment}/refunds").json() == {"data": [begun]}


def test_without_an_amount_all_that_is_left_goes_back(api: Caller, payment: str):
    refund(api, payment, amount=21)

    assert refund(api, payment)["amount"] == "100.00"


def test_said_again_under_its_key_it_goes_back_once(api: Caller, payment: str, desk: Desk):
    first = refund(api, payment, "k1", amount="1.00")
    other = refund(api, payment, "k2", amount="1.00")

    assert refund(api, payment, "k1", amount="1.00") == first
    assert other["id"] != first["id"]
    assert desk.query("SELECT count(*) FROM refunds") == [(2,)]
    assert desk.query("SELECT count(*) FROM outbox WHERE effect = 'refund'") == [(2,)]


def test_a_refund_that_was_never_sent_can_be_ended(api: Caller, payment: str):
    begun = refund(api, payment)

    ended = api.post(f"/api/refunds/{begun['id']}/end", json={"reason": "a mistake"})

    told = api.get(f"/api/refunds/{begun['id']}").json()
    assert (ended.status_code, ended.content) == (200, b"")
    assert (told["state"], told["detail"]) == ("FAILED", "a mistake")
    assert refund(api, payment)["amount"] == "121.00"
    again = api.post(f"/api/refunds/{begun['id']}/end", json={"reason": "a mistake"})
    assert (again.status_code, again.json()["code"]) == (409, "ended")


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"amount": "121.01"}, 409, "beyond_refundable"),
        ({"amount": "0"}, 422, "malformed_request"),
        ({"amount": "1.001"}, 422, "malformed_amount"),
        ({"amount": "-1"}, 422, "malformed_request"),
        ({"amount": 1e30}, 422, "malformed_request"),
        ({"reason": ""}, 422, "malformed_request"),
        ({"reason": None}, 422, "malformed_request"),
        ({"onlyUnapplied": True}, 409, "nothing_to_refund"),
        ({"onlyUnapplied": "perhaps"}, 422, "malformed_request"),
        ({"howMuch": "1"}, 422, "malformed_request"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    api: Caller, payment: str, desk: Desk, said: dict[str, Any], status: int, code: str
):
    answer = api.post(f"/api/payments/{payment}/refund", json=WHY | said)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert desk.query("SELECT count(*) FROM refunds") == [(0,)]
    assert desk.query("SELECT reserved_minor FROM payments") == [(0,)]


def test_what_is_not_there_is_not_found(api: Caller, payment: str):
    nothing = str(public(Kind.PAYMENT, 99))

    for answer in (
        api.post(f"/api/payments/{nothing}/refund", json=WHY),
        api.get(f"/api/payments/{nothing}/refunds"),
        api.get(f"/api/refunds/{public(Kind.REFUND, 99)}"),
        api.get(f"/api/refunds/{payment}"),
        api.post(f"/api/refunds/{public(Kind.REFUND, 99)}/end", json=WHY),
    ):
        assert answer.status_code == 404


def test_a_gateway_without_a_key_gives_nothing_back(store: Store, payment: str):
    with calling(store) as api:
        api.headers["Authorization"] = f"Bearer {TOKEN}"
        answer = api.post(f"/api/payments/{payment}/refund", json=WHY)

    assert (answer.status_code, answer.json()["code"]) == (422, "unsupported")
    assert "own panel" in answer.json()["detail"]
