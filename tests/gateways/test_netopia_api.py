"""How NETOPIA's API is called: its page, how a payment stands, and every way it can end."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from domain.errors import Refused, TryLater
from domain.facts import Ignored, Report, Status, Trust
from domain.money import Money
from gateways import netopia_checkout
from gateways.capabilities import Verb
from gateways.netopia import Netopia
from gateways.netopia_api import NetopiaApi
from gateways.port import Gateway, Order
from tests import netopia_server
from tests.netopia_seal import POS, a_pen
from tests.netopia_server import KEY, Account

NOTIFY = "https://pay.example/webhooks/netopia"
SAMPLES = Path(__file__).parent / "deliveries" / "netopia"


@pytest.fixture
def account() -> Iterator[Account]:
    with netopia_server.serving() as account:
        yield account


def a_netopia(account: Account | None, key: str = KEY) -> Netopia:
    api = NetopiaApi(account.url, key, POS, NOTIFY) if account else None
    return Netopia(POS, a_pen().pem, is_live=False, api=api)


def an_order(**changes: Any) -> Order:
    told: dict[str, Any] = {
        "order_id": "INV-2026-0001-1",
        "references": ("INV-2026-0001",),
        "description": "Factura INV-2026-0001",
        "money": Money("RON", 12050),
        "language": "ro",
        "seller_name": "Demo SRL",
        "return_url": "https://pay.example/pay/t/return",
        "cancel_url": "https://pay.example/pay/t",
        "expires_at": datetime(2026, 11, 20, 13, 34, 44, tzinfo=UTC),
        "key": "link:INV-2026-0001-1",
        "email": "ana@example.ro",
    }
    return Order(**{**told, **changes})


def told(netopia: Netopia, raw: bytes) -> Report:
    """The one report in an answer."""
    reading = netopia.read(raw)
    assert isinstance(reading, tuple)
    (report,) = reading
    assert isinstance(report, Report)
    return report


def _shape(value: object) -> object:
    match value:
        case dict():
            return {name: _shape(each) for name, each in value.items()}
        case list():
            return [_shape(each) for each in value]
        case bool() | None:
            return value
        case int() | float() | Decimal():
            return "number"
        case _:
            return type(value).__name__


def test_what_is_asked_for_has_the_form_of_netopias_own_sample():
    asked = json.loads(netopia_checkout.request(an_order(), POS, NOTIFY))
    sample = json.loads((SAMPLES / "start.json").read_bytes())
    asked["order"]["data"].pop("reference")

    assert _shape(asked) == _shape(sample)
    assert asked["order"]["dateTime"] == "2026-11-20T10:49:44+00:00"


def test_a_page_is_opened_for_the_amount_to_the_digit(account: Account):
    session = a_netopia(account).hosted_link(an_order(money=Money("RON", 999999999999)))

    ((path, body),) = account.asked
    assert (path, account.keys) == ("/payment/card/start", [KEY])
    assert body["order"]["amount"] == body["order"]["products"][0]["price"]
    assert body["order"]["amount"] == Decimal("9999999999.99")
    assert body["config"]["notifyUrl"] == NOTIFY
    assert (session.id, session.expires_at) == ("1500001", an_order().expires_at)
    assert session.url.endswith("/ui/card?p=1500001")


def test_netopias_own_answer_is_read():
    answer = json.loads((SAMPLES / "started.json").read_bytes())

    session = netopia_checkout.session(answer, an_order(), "https://secure.mobilpay.ro/pay")

    assert session.id == "1500001"
    assert session.url == "https://secure-sandbox.netopia-payments.com/ui/card?p=XYZ"


@pytest.mark.parametrize("text", ['"@AMOUNT@"', '","amount":1,"x":"', "\u2028\0", "Țuică ș.a."])
def test_no_text_of_ours_gets_out_of_its_quotes(text: str):
    asked = json.loads(netopia_checkout.request(an_order(description=text), POS, NOTIFY))

    assert asked["order"]["description"] == text
    assert asked["order"]["amount"] == 120.5


def test_an_order_that_is_open_already_waits_for_whoever_opened_it(account: Account):
    netopia = a_netopia(account)
    netopia.hosted_link(an_order())

    with pytest.raises(TryLater, match="already"):
        netopia.hosted_link(an_order())
    assert len(account.payments) == 1


def test_an_order_with_another_amount_is_another_one(account: Account):
    netopia = a_netopia(account)
    netopia.hosted_link(an_order())

    with pytest.raises(Refused, match="order_differs"):
        netopia.hosted_link(an_order(money=Money("RON", 100)))


@pytest.mark.parametrize(
    "page", ["http://secure.netopia-payments.com/x", "javascript:alert(1)", "", None, 7, "//evil"]
)
def test_a_page_that_cannot_be_shown_is_refused(page: object):
    answer = json.loads((SAMPLES / "started.json").read_bytes())
    answer["payment"]["paymentURL"] = page

    with pytest.raises(Refused, match="malformed_answer"):
        netopia_checkout.session(answer, an_order(), "https://secure.mobilpay.ro/pay")


def test_how_a_payment_stands_is_read_like_a_notice(account: Account):
    netopia = a_netopia(account)
    session = netopia.hosted_link(an_order())

    fresh = netopia.read(netopia.lookup(f"{session.id}/INV-2026-0001-1"))
    account.move(session.id, 3)
    answers = [netopia.lookup(f"{session.id}/INV-2026-0001-1") for _ in range(2)]
    report = told(netopia, answers[0])

    assert isinstance(fresh, Ignored)
    assert account.asked[1] == (
        "/operation/status",
        {"posID": POS, "ntpID": session.id, "orderID": "INV-2026-0001-1"},
    )
    assert (report.fact.status, report.fact.trust) == (Status.SUCCEEDED, Trust.LOOKUP)
    assert (report.fact.money, report.fact.meant_for) == (
        Money("RON", 12050),
        ("INV-2026-0001-1",),
    )
    assert answers[0] == answers[1]


def test_an_answer_without_a_moment_has_the_day_of_the_answer(account: Account):
    netopia = a_netopia(account)
    session = netopia.hosted_link(an_order())
    account.move(session.id, 5)
    account.has_moment = False

    raw = netopia.lookup(session.id)

    report = told(netopia, raw)
    assert report.fact.happened_at.isoformat() == f"{json.loads(raw)['day']}T00:00:00+00:00"


def test_an_answer_with_a_moment_is_the_same_on_every_day(account: Account):
    netopia = a_netopia(account)
    session = netopia.hosted_link(an_order())

    assert json.loads(netopia.lookup(session.id))["day"] is None


def test_an_order_may_have_letters_of_ours(account: Account):
    netopia = a_netopia(account)
    session = netopia.hosted_link(an_order(order_id="ȘIR-1-1"))
    account.move(session.id, 3)

    report = told(netopia, netopia.lookup(f"{session.id}/ȘIR-1-1"))

    assert report.fact.meant_for == ("ȘIR-1-1",)


@pytest.mark.parametrize("name", ["", "/INV-1-1", "a\nb", "x" * 321])
def test_what_can_be_no_name_is_not_asked_about(account: Account, name: str):
    with pytest.raises(Refused, match="unsupported"):
        a_netopia(account).lookup(name)
    assert account.asked == []


def test_a_payment_that_netopia_does_not_know_is_refused(account: Account):
    with pytest.raises(Refused, match="unknown_payment"):
        a_netopia(account).lookup("7/INV-1-1")


@pytest.mark.parametrize("trouble", [500, 502, 503, 429, 408, 302, "silence", "<html>", "[]", ""])
@pytest.mark.parametrize("verb", ["lookup", "hosted_link"])
def test_a_busy_netopia_is_asked_later(account: Account, trouble: int | str, verb: str):
    account.troubles.append(trouble)
    given = "1/INV-1-1" if verb == "lookup" else an_order()

    with pytest.raises(TryLater):
        getattr(a_netopia(account), verb)(given)


@pytest.mark.parametrize("trouble", [400, 404, 422])
def test_what_netopia_refuses_is_refused(account: Account, trouble: int):
    account.troubles += [trouble, trouble]

    with pytest.raises(Refused, match="code 12"):
        a_netopia(account).hosted_link(an_order())
    with pytest.raises(Refused, match="unknown_payment"):
        a_netopia(account).lookup("1/INV-1-1")


def test_a_wrong_key_names_its_setting(account: Account):
    with pytest.raises(Refused, match="NETOPIA_API_KEY"):
        a_netopia(account, "other").lookup("1")


def test_an_endless_answer_is_cut_off(account: Account):
    account.troubles.append("x" * 300_000)

    with pytest.raises(Refused, match="answer_too_long"):
        a_netopia(account).lookup("1")


def test_nobody_there_is_known_at_once():
    began = monotonic()

    with pytest.raises(TryLater):
        NetopiaApi("http://127.0.0.1:9", KEY, POS, NOTIFY).payment("1")
    assert monotonic() - began < 30


def test_without_a_key_nobody_is_asked():
    netopia = a_netopia(None)

    assert not netopia.serves("RON")
    assert netopia.capabilities.verbs == frozenset()
    for call in (lambda: netopia.lookup("1"), lambda: netopia.hosted_link(an_order())):
        with pytest.raises(Refused, match="NETOPIA_API_KEY"):
            call()


def test_what_netopia_cannot_do_is_refused_and_calls_nobody(account: Account):
    netopia: Gateway = a_netopia(account)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    calls = {
        Verb.CAPTURE: lambda: netopia.capture("1"),
        Verb.REPORTED: lambda: netopia.reported(at, at),
        Verb.EVENT: lambda: netopia.event("1"),
        Verb.EXPIRE: lambda: netopia.expire("1"),
        Verb.FORM: lambda: netopia.form(an_order()),
    }

    assert netopia.capabilities.verbs.isdisjoint(calls)
    for call in calls.values():
        with pytest.raises(Refused, match="unsupported"):
            call()
    assert account.asked == []


def test_lei_alone_are_paid_there(account: Account):
    assert [code for code in ("RON", "EUR", "USD") if a_netopia(account).serves(code)] == ["RON"]
