"""Money asked back of MobilPay over SOAP: what goes, what does not, and what nobody can tell."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from domain.errors import Refused, TryLater
from domain.facts import Report
from domain.money import Money
from gateways.mobilpay import MobilPay
from gateways.mobilpay_soap import MobilPaySoap
from gateways.port import Malformed, NotAsked, Repayment
from runtime import clock
from tests import mobilpay_seal as seal
from tests import mobilpay_server
from tests.mobilpay_server import PASSWORD, USER, Account, fault

ORDER = "INV-0001-1"
ENTITIES = '<!DOCTYPE x [<!ENTITY a "0">]><x>&a;</x>'


@pytest.fixture
def account() -> Iterator[Account]:
    with mobilpay_server.serving() as account:
        account.orders[ORDER] = Decimal("121")
        yield account


def a_soap(account: Account, password: str = PASSWORD) -> MobilPay:
    soap = MobilPaySoap(account.url, USER, password, seal.SIGNATURE)
    return seal.a_mobilpay(soap=soap)


def repayment(amount: int = 2_110, order_id: str | None = ORDER) -> Repayment:
    return Repayment("9001", Money("RON", amount), "refund:7", clock.now(), order_id)


def test_a_refund_is_asked_for_by_our_own_order_after_a_session(account: Account):
    gateway, asked = a_soap(account), repayment()

    taken = gateway.refund(asked)

    assert account.asked == [
        ("logIn", {"username": USER, "password": PASSWORD}),
        (
            "credit",
            {"sessionId": "9f3c", "sacId": seal.SIGNATURE, "orderId": ORDER, "amount": "21.10"},
        ),
    ]
    assert (taken.item, taken.name) == ("refund:7", "9001")
    assert taken.answer is not None
    assert b"gwApproved" in taken.answer
    assert PASSWORD.encode() not in taken.answer
    reading = gateway.read(taken.answer)
    assert isinstance(reading, tuple)
    (report,) = reading
    assert isinstance(report, Report)
    assert report.fact.key[1:] == (gateway.account, "9001", "out", "refund:7")
    assert (report.fact.money, report.fact.happened_at) == (asked.money, asked.at)
    assert not report.is_nameless


@pytest.mark.parametrize("trouble", ["silence", "lost", 503, 404, "<html>", ENTITIES, "<a><b></a>"])
def test_without_a_session_nothing_was_asked_for(account: Account, trouble: int | str):
    account.troubles["logIn"] = [trouble]

    with pytest.raises(NotAsked):
        a_soap(account).refund(repayment())

    assert account.calls("credit") == 0


@pytest.mark.parametrize(
    "trouble",
    [
        *("silence", "lost", 500, 502, 404, "<html>", ENTITIES, "x" * 70_000, "\N{DEGREE SIGN}"),
        fault("SOAP-ENV:Server", "Timeout"),
        fault("SOAP-ENV:Client", "Bad Request"),
        *(fault(code, "who knows") for code in ("99", "56", "")),
        "nothing",
        "twice",
    ],
)
def test_an_answer_that_says_neither_leaves_it_in_doubt(account: Account, trouble: int | str):
    made = {
        "nothing": account.result("credit", "<message>gwApproved</message>"),
        "twice": account.result("credit", "<code>0</code><code>54</code>"),
    }
    account.troubles["credit"] = [made.get(str(trouble), trouble)]

    with pytest.raises(TryLater) as doubt:
        a_soap(account).refund(repayment())

    assert not isinstance(doubt.value, NotAsked)


@pytest.mark.parametrize(
    ("amount", "order_id", "says"),
    [(12_101, ORDER, "54: gwCreditAbove"), (100, "INV-0001-2", "48: gwInvalidRequest")],
)
def test_what_mobilpay_refuses_in_its_own_code_has_not_gone(
    account: Account, amount: int, order_id: str, says: str
):
    with pytest.raises(Refused, match=says) as refusal:
        a_soap(account).refund(repayment(amount, order_id))

    assert refusal.value.code == "refund_refused"
    assert account.credits == {}


def test_a_wrong_password_waits_for_a_person(account: Account):
    with pytest.raises(Refused, match="MOBILPAY_API_USER") as refusal:
        a_soap(account, "wrong").refund(repayment())

    assert refusal.value.code == "key_refused"
    assert "wrong" not in str(refusal.value)


def test_what_cannot_be_asked_for_is_refused_without_a_call(account: Account):
    euro = Repayment("9001", Money("EUR", 100), "refund:7", clock.now(), ORDER)

    for asked, code in (
        (repayment(order_id=None), "unknown_order"),
        (euro, "unsupported_currency"),
    ):
        with pytest.raises(Refused) as refusal:
            a_soap(account).refund(asked)
        assert refusal.value.code == code

    assert account.asked == []


def test_without_a_user_the_refusal_names_the_way_through_the_panel():
    with pytest.raises(Refused, match=r"INV-0001-1 .*admin\.netopia-payments\.com") as refusal:
        seal.a_mobilpay().refund(repayment())

    assert refusal.value.code == "unsupported"


def test_no_delivery_passes_for_an_answer_that_we_kept(account: Account):
    gateway = a_soap(account)
    genuine = gateway.refund(repayment()).answer
    assert genuine is not None

    for body in (genuine, genuine[:-2] + b"&" + seal.body() + b'&x="}', b"{" + seal.body()):
        with pytest.raises(Malformed):
            gateway.authenticate(seal.delivery(body), {}, clock.now())


def test_the_sandbox_is_asked_in_its_own_words():
    soap = MobilPaySoap("https://sandboxsecure.mobilpay.ro/api/payment2/", "u", "p", "AAAA")

    request = soap._request("credit", {"amount": "1.00"})

    assert b'xmlns:pay="http://sandboxsecure.mobilpay.ro/api/payment2/"' in request
    assert b"<pay:credit><request><amount>1.00</amount></request></pay:credit>" in request
