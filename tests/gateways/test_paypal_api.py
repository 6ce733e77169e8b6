"""How PayPal's API is called: the token, the order of a hosted link, and every way it can end."""

from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest

from domain.errors import Refused, TryLater
from domain.money import Money
from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from gateways.port import Order, Repayment
from tests import paypal_server
from tests.paypal_seal import WEBHOOK_ID
from tests.paypal_server import CLIENT, SECRET, Account

ORDER, CAPTURE = "5O190127TN364715T", "3C679366HH908993F"


@pytest.fixture
def account() -> Iterator[Account]:
    with paypal_server.serving() as account:
        yield account


def an_api(account: Account, secret: str = SECRET) -> PayPalApi:
    return PayPalApi(account.url, CLIENT, secret)


def a_paypal(api: PayPalApi | None) -> PayPal:
    return PayPal("own", WEBHOOK_ID, Certificates(is_live=False), is_live=False, api=api)


def an_order(**changes: Any) -> Order:
    told: dict[str, Any] = {
        "order_id": "INV-0001-1",
        "references": ("INV-0001",),
        "description": "Factura INV-0001",
        "money": Money("EUR", 2420),
        "language": "ro",
        "seller_name": "Demo SRL",
        "return_url": "https://pay.example/pay/return",
        "cancel_url": "https://pay.example/pay/cancel",
        "expires_at": datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
        "key": "attempt:1",
        "email": None,
    }
    return Order(**{**told, **changes})


def test_a_token_is_asked_for_once_and_kept(account: Account):
    account.order(ORDER)
    api = an_api(account)

    for _ in range(3):
        api.payment(f"order:{ORDER}")

    assert account.asked.count("token") == 1


def test_a_token_is_renewed_before_it_ends(account: Account, monkeypatch: pytest.MonkeyPatch):
    account.order(ORDER)
    api = an_api(account)
    api.payment(f"order:{ORDER}")
    later = account.token_seconds - 60
    monkeypatch.setattr("gateways.paypal_api.monotonic", lambda: monotonic() + later)

    api.payment(f"order:{ORDER}")

    assert account.asked.count("token") == 2


def test_a_token_that_is_no_longer_taken_is_renewed_once(account: Account):
    account.order(ORDER)
    api = an_api(account)
    api.payment(f"order:{ORDER}")
    account.tokens[:] = ["another"]

    api.payment(f"order:{ORDER}")
    account.troubles = [401, 401]
    with pytest.raises(Refused, match="key_refused"):
        api.payment(f"order:{ORDER}")

    assert account.asked.count("token") == 3


def test_refused_credentials_name_their_settings(account: Account):
    with pytest.raises(Refused, match="PAYPAL_CLIENT_SECRET"):
        an_api(account, "wrong").payment(CAPTURE)
    with pytest.raises(Refused, match="PAYPAL_CLIENT_ID"):
        a_paypal(None).lookup(CAPTURE)


@pytest.mark.parametrize("trouble", [408, 409, 429, 500, 502, 503, "silence", "lost"])
def test_a_busy_gateway_is_asked_again_later(account: Account, trouble: int | str):
    account.order(ORDER)
    account.troubles = [trouble]

    with pytest.raises(TryLater):
        an_api(account).payment(f"order:{ORDER}")
    assert an_api(account).payment(f"order:{ORDER}")


def test_a_gateway_that_is_away_is_asked_again_later(account: Account):
    with pytest.raises(TryLater, match="away"):
        PayPalApi("http://127.0.0.1:1", CLIENT, SECRET).payment(CAPTURE)


@pytest.mark.parametrize("trouble", [400, 403, 404, 422])
def test_what_asking_again_will_not_mend_is_refused(account: Account, trouble: int):
    account.order(ORDER)
    account.troubles = [trouble]

    with pytest.raises(Refused):
        an_api(account).payment(f"order:{ORDER}")


@pytest.mark.parametrize(
    "name", ["", "a b", "../x", "a/b/c", "order:", "order:a/b", "é", "x" * 65, "a?b", "a\n"]
)
def test_what_can_be_no_id_is_never_part_of_an_address(account: Account, name: str):
    with pytest.raises(Refused):
        an_api(account).payment(name)
    assert account.asked in ([], ["token"])


def test_an_answer_that_never_ends_is_cut_off(account: Account):
    account.order(ORDER, description="x" * 300_000)

    with pytest.raises(Refused, match="too long"):
        an_api(account).payment(f"order:{ORDER}")


def test_a_hosted_link_is_an_order_with_our_references(account: Account):
    session = a_paypal(an_api(account)).hosted_link(an_order())

    (body,) = account.bodies
    (unit,) = body["purchase_units"]
    context = body["payment_source"]["paypal"]["experience_context"]
    assert body["intent"] == "CAPTURE"
    assert (unit["custom_id"], unit["invoice_id"]) == ("INV-0001", "INV-0001-1")
    assert unit["amount"] == {"currency_code": "EUR", "value": "24.20"}
    assert context["return_url"] == "https://pay.example/pay/return"
    assert (context["locale"], context["user_action"]) == ("ro-RO", "PAY_NOW")
    assert session.id in account.orders
    assert session.url == f"https://www.sandbox.paypal.com/checkoutnow?token={session.id}"
    assert session.expires_at == datetime(2026, 11, 20, 12, 58, tzinfo=UTC)  # of three hours


def test_the_same_key_is_the_same_order(account: Account):
    paypal = a_paypal(an_api(account))

    assert paypal.hosted_link(an_order()) == paypal.hosted_link(an_order())
    assert len(account.orders) == 1
    assert account.bodies[0] == account.bodies[1]


def test_an_order_for_several_invoices_echoes_its_own_id(account: Account):
    a_paypal(an_api(account)).hosted_link(an_order(references=("INV-0001", "INV-0002")))

    assert account.bodies[0]["purchase_units"][0]["custom_id"] == "INV-0001-1"


@pytest.mark.parametrize(
    ("money", "text"),
    [(Money("HUF", 120000), "1200"), (Money("JPY", 500), "500"), (Money("USD", 5), "0.05")],
    ids=["HUF", "JPY", "USD"],
)
def test_an_amount_is_written_as_paypal_wants_it(account: Account, money: Money, text: str):
    a_paypal(an_api(account)).hosted_link(an_order(money=money))

    assert account.bodies[0]["purchase_units"][0]["amount"]["value"] == text


@pytest.mark.parametrize("money", [Money("RON", 2420), Money("HUF", 120050)], ids=["RON", "HUF"])
def test_an_amount_that_paypal_does_not_take_is_refused_before_the_call(
    account: Account, money: Money
):
    with pytest.raises(Refused, match="unsupported"):
        a_paypal(an_api(account)).hosted_link(an_order(money=money))
    assert account.bodies == []


def test_the_leu_is_not_served_and_nothing_is_without_a_key(account: Account):
    paypal = a_paypal(an_api(account))

    assert not paypal.serves("RON")
    assert paypal.serves("EUR")
    assert not a_paypal(None).serves("EUR")


@pytest.mark.parametrize(
    ("url", "is_shown"),
    [
        ("https://www.paypal.com/checkoutnow?token=1", True),
        ("http://127.0.0.1:8450/checkoutnow?token=1", True),  # the API is on this machine, too
        ("javascript:alert(1)", False),
        ("ftp://www.paypal.com/", False),
        ("//www.paypal.com/", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("relation", ["payer-action", "approve"])
def test_only_an_address_that_can_be_shown_is_handed_out(
    account: Account, url: str | None, is_shown: bool, relation: str
):
    links = [{"rel": relation, "href": url}]
    account.remembered["attempt:1"] = {"id": ORDER, "status": "CREATED", "links": links}

    if is_shown:
        assert a_paypal(an_api(account)).hosted_link(an_order()).url == url
    else:
        with pytest.raises(Refused, match="no address"):
            a_paypal(an_api(account)).hosted_link(an_order())


def test_an_order_that_is_over_is_no_session(account: Account):
    account.remembered["attempt:1"] = {"id": ORDER, "status": "COMPLETED", "links": []}

    with pytest.raises(Refused, match="no longer open"):
        a_paypal(an_api(account)).hosted_link(an_order())


def test_paypal_closes_no_order():
    with pytest.raises(Refused, match="unsupported"):
        a_paypal(None).expire(ORDER)


@pytest.mark.parametrize(
    "answer",
    [{}, {"id": 7}, {"id": "a/b"}, {"id": "REFUND1", "pad": "x" * 300_000}],
    ids=["nothing", "a number", "no id of theirs", "too long"],
)
def test_an_answer_that_cannot_be_read_is_no_word_that_nothing_went_back(
    account: Account, answer: dict[str, Any]
):
    account.troubles.append(answer)
    now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    with pytest.raises(TryLater):
        an_api(account).refund(Repayment(CAPTURE, Money("EUR", 2420), "refund:1", now))
