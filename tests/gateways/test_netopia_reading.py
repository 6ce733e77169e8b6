"""What the statuses of NETOPIA tell of money, sent by it or asked of it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import (
    Ask,
    AttemptEnd,
    Ending,
    Fact,
    FactClass,
    FactKey,
    Ignored,
    Move,
    Report,
    Status,
    Trust,
)
from domain.money import Money
from gateways.netopia import Netopia
from tests.gateways.deliveries import netopia_body
from tests.netopia_seal import POS, a_pen

NTP, ORDER, ACCOUNT = "1309088", "INV-2026-0001-1", f"{POS}/test"
PAID = Money("RON", 12050)
AT = datetime(2026, 11, 20, 10, 51, 30, tzinfo=UTC)
DATELESS = Ask("netopia", ACCOUNT, f"{NTP}/{ORDER}", is_hint=True)


def read(raw: bytes) -> Any:
    return Netopia(POS, a_pen().pem, is_live=False).read(raw)


def told(order: dict[str, Any] | None = None, **payment: Any) -> Any:
    changes = {} if order is None else {"order": order}
    return read(netopia_body(payment, **changes))


def answered(
    answer: dict[str, Any] | None = None, asked: str = f"{NTP}/{ORDER}", day: str | None = None
) -> Any:
    """What is read of an answer to the question of how a payment stands."""
    shown = json.loads(netopia_body()) if answer is None else answer
    frame = {"object": "lookup", "asked": asked, "day": day, "answer": shown}
    return read(json.dumps(frame).encode())


def a_report(
    status: Status = Status.SUCCEEDED, money: Money = PAID, trust: Trust = Trust.DELIVERY
) -> Report:
    key = FactKey("netopia", ACCOUNT, NTP, Move.IN, "")
    return Report(Fact(key, status, FactClass.PAYMENT, money, trust, AT, (ORDER,)), (NTP,))


def a_chargeback() -> Report:
    key = FactKey("netopia", ACCOUNT, NTP, Move.OUT, "chargeback")
    fact = Fact(key, Status.SUCCEEDED, FactClass.CHARGEBACK, PAID, Trust.DELIVERY, AT)
    return Report(fact, (NTP,))


def an_end(ending: Ending) -> AttemptEnd:
    return AttemptEnd("netopia", ACCOUNT, (ORDER,), NTP, ending)


TABLE = {
    1: None,
    2: Status.PENDING,
    3: Status.SUCCEEDED,
    4: Ending.CANCELLED,
    5: Status.SUCCEEDED,
    6: Status.PENDING,
    7: Status.PENDING,
    8: (Status.SUCCEEDED, AttentionKind.REFUND_UNTOLD),
    9: (Status.SUCCEEDED, AttentionKind.DISPUTE_OPENED),
    10: FactClass.CHARGEBACK,
    11: Status.FAILED,
    12: Status.FAILED,
    13: Status.PENDING,
    14: Status.PENDING,
    15: Status.PENDING,
    16: (Status.SUCCEEDED, AttentionKind.DISPUTE_OPENED),
    17: AttentionKind.DISPUTE_OPENED,
    18: Status.PENDING,
    19: None,
    20: None,
    21: None,
    22: None,
    23: Ending.EXPIRED,
}


@pytest.mark.parametrize(("number", "means"), TABLE.items())
def test_every_status_means_what_the_table_says(number: int, means: object):
    found = told(status=number)

    match means:
        case Status():
            assert found == (a_report(means),)
        case FactClass():
            assert found == (a_report(), a_chargeback())
        case Ending():
            assert found == (an_end(means),)
        case (Status() as status, AttentionKind() as kind):
            report, flag = found
            assert report == a_report(status, trust=Trust.IN_PASSING)
            assert flag.kind is kind
        case AttentionKind():
            assert (type(found), found.attention) == (Ignored, means)
        case None:
            assert (type(found), found.attention) == (Ignored, None)


def test_the_table_has_every_status():
    assert sorted(TABLE) == list(range(1, 24))


def test_money_told_twice_is_one_fact():
    """Paid and confirmed are told of one payment under one name, at two moments."""
    paid, confirmed = told(status=3), told(status=5, operationDate="2026-11-21T00:00:00Z")

    assert paid[0].fact.key == confirmed[0].fact.key


@pytest.mark.parametrize("status", [0, -3, 24, "3", 3.0, True, None, [3]], ids=repr)
def test_another_status_is_left_to_a_person(status: object):
    with pytest.raises(Refused, match="unknown_status"):
        told(status=status)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [(120, "RON", 12000), (0.1, "RON", 10), ("120.50", "RON", 12050), (68.70, "EUR", 6870)],
)
def test_an_amount_is_read_to_the_digit(amount: object, currency: str, minor: int):
    assert told(amount=amount, currency=currency)[0].fact.money == Money(currency, minor)


def test_no_float_touches_an_amount():
    raw = netopia_body({"amount": "AMOUNT"}).replace(b'"AMOUNT"', b"9999999999.99")

    assert read(raw)[0].fact.money == Money("RON", 999999999999)
    assert Decimal("9999999999.99") * 100 == 999999999999


@pytest.mark.parametrize(
    "amount", [0, -1, 120.555, "1e3", "", None, True, [1], {}, 10**15, "NaN", "١٢٠"], ids=repr
)
@pytest.mark.parametrize("status", [2, 3, 8, 10, 12])
def test_what_is_no_amount_is_left_to_a_person(amount: object, status: int):
    with pytest.raises(Refused, match="amount"):
        told(amount=amount, status=status)


@pytest.mark.parametrize("currency", ["LEI", "ron", "", None, 946])
def test_what_is_no_currency_is_left_to_a_person(currency: object):
    with pytest.raises(Refused, match="unknown_currency"):
        told(currency=currency)


@pytest.mark.parametrize("ntp_id", ["", None, 1309088, "a/b", "a b", "x" * 65, "'; DROP TABLE"])
def test_a_payment_without_a_name_is_left_to_a_person(ntp_id: object):
    with pytest.raises(Refused, match="ntpID"):
        told(ntpID=ntp_id)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'"3"', b'{"payment":3}', b'{"payment":null}'])
def test_what_is_no_notice_is_left_to_a_person(body: bytes):
    with pytest.raises(Refused):
        read(body)


@pytest.mark.parametrize(
    ("moment", "at"),
    [
        ("2026-11-20T12:51:30+02:00", AT),
        ("2026-11-20T10:51:30Z", AT),
        ("2026-11-20 12:51:30", AT),
        ("2026-11-20T12:51:30", AT),
        ("2026-11-20T12:51:30.999999999+02:00", AT.replace(microsecond=999999)),
        ("2026-07-20T12:51:30", datetime(2026, 7, 20, 9, 51, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_of_romania(moment: str, at: datetime):
    assert told(operationDate=moment)[0].fact.happened_at == at


@pytest.mark.parametrize(
    "moment", [None, "", "0001-01-01T00:00:00Z", "2026-13-01T00:00:00Z", 1795213171, "yesterday"]
)
@pytest.mark.parametrize("status", [3, 6, 10, 12])
def test_money_without_a_moment_is_asked_about(moment: object, status: int):
    assert told(status=status, operationDate=moment) == (DATELESS,)


def test_an_answer_without_a_moment_has_that_of_the_asking():
    shown = json.loads(netopia_body({"operationDate": None}))

    (report,) = answered(shown, day="2026-11-21")

    assert report.fact.happened_at == datetime(2026, 11, 21, tzinfo=UTC)
    assert report.fact.trust is Trust.LOOKUP


def test_an_answer_is_trusted_more_and_says_the_same():
    assert answered() == (a_report(trust=Trust.LOOKUP),)


def test_an_answer_may_leave_out_what_was_asked_about():
    shown = {"payment": {"status": 3, "amount": 120.5, "currency": "RON"}}

    (report,) = answered(shown, day="2026-11-20")

    assert (report.fact.key.reference, report.fact.meant_for) == (NTP, (ORDER,))


def test_an_answer_about_another_order_is_refused():
    with pytest.raises(Refused, match="malformed_answer"):
        answered(asked=f"{NTP}/INV-2026-0002-1")


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ({"orderID": ORDER, "data": {"reference": "INV-2026-0001"}}, ("INV-2026-0001", ORDER)),
        ({"orderID": f" {ORDER} ", "data": None}, (ORDER,)),
        ({"orderID": 7}, ()),
        ({}, ()),
        ({"orderID": "x" * 300}, ("x" * 80 + "…",)),
        ({"orderID": "a\nb\0"}, ("a�b�…",)),
    ],
)
def test_our_own_references_come_back_as_plain_names(order: dict[str, Any], names: tuple[str, ...]):
    (report,) = told(order)

    assert report.fact.meant_for == names


def test_an_end_without_an_order_id_is_known_by_its_payment():
    assert told({}, status=23) == (AttemptEnd("netopia", ACCOUNT, (), NTP, Ending.EXPIRED),)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
_FIELDS = ("status", "ntpID", "amount", "currency", "operationDate")


@given(
    payment=st.dictionaries(st.sampled_from(_FIELDS), _ANYTHING | st.integers(1, 23)) | _ANYTHING,
    order=st.dictionaries(st.sampled_from(("orderID", "data")), _ANYTHING) | _ANYTHING,
    frame=st.none() | st.fixed_dictionaries({"asked": _ANYTHING, "day": _ANYTHING}),
)
def test_whatever_is_told_is_read_or_refused(payment: Any, order: Any, frame: Any):
    notice = json.loads(netopia_body())
    shown = {**notice["payment"], **payment} if isinstance(payment, dict) else payment
    said: Any = {"order": order, "payment": shown}
    if frame is not None:
        said = {"object": "lookup", "answer": said, **frame}

    try:
        reading = read(json.dumps(said).encode())
    except Refused:
        return

    assert isinstance(reading, Ignored) or all(reading)
