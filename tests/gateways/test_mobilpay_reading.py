"""What MobilPay's notices tell: an action is an attempt, its error code the result."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import (
    AttemptEnd,
    Ending,
    FactClass,
    FactKey,
    Ignored,
    Move,
    Reading,
    Report,
    Status,
)
from domain.money import Money
from tests import mobilpay_seal as mobilpay
from tests.builders import at

ACCOUNT = f"{mobilpay.SIGNATURE}/test"
PURCHASE = "1233802"

gateway = mobilpay.a_mobilpay()


def told(changes: Mapping[str, str] = {}, secret: str | None = None) -> Reading:
    """What is read of a notice that came to the address of its order."""
    arrived = mobilpay.delivery(mobilpay.body(mobilpay.a_notice(**changes)), secret)
    kept = gateway.authenticate(arrived, {}, at("2026-11-20")).kept
    assert kept is not None
    return gateway.read(kept)


def only(reading: Reading) -> Report:
    assert isinstance(reading, tuple)
    (report,) = (each for each in reading if isinstance(each, Report))
    return report


def test_a_confirmed_payment_is_money_of_its_order():
    fact = only(told()).fact

    assert fact.key == FactKey("mobilpay", ACCOUNT, PURCHASE, Move.IN, "")
    assert (fact.status, fact.money) == (Status.SUCCEEDED, Money("RON", 120_50))
    assert fact.meant_for == (mobilpay.ORDER,)
    assert fact.happened_at == datetime(2026, 11, 20, 10, 51, 30, tzinfo=UTC)
    assert only(told()).doubt is None


@pytest.mark.parametrize(
    ("action", "code", "status"),
    [
        ("confirmed", "0", Status.SUCCEEDED),
        *(("confirmed", code, Status.FAILED) for code in ("16", "20", "35", "36", "99", "-1")),
        ("confirmed_pending", "0", Status.PENDING),
        ("confirmed_pending", "36", Status.FAILED),
        ("paid", "0", Status.PENDING),
        ("paid", "20", Status.FAILED),
        ("paid_pending", "0", Status.PENDING),
        ("paid_pending", "16", Status.FAILED),
        ("canceled", "0", Status.FAILED),
    ],
)
def test_only_what_is_confirmed_without_an_error_is_money(action: str, code: str, status: Status):
    fact = only(told({"action": action, "code": code})).fact

    assert (fact.key.move, fact.status) == (Move.IN, status)
    assert (fact.status is Status.SUCCEEDED) == ((action, code) == ("confirmed", "0"))


@pytest.mark.parametrize(
    ("action", "code", "attention"),
    [
        ("new", "0", None),
        ("new", "99", None),
        ("canceled", "51", None),
        ("credit", "53", None),
        ("credit", "54", None),
        ("confirmed", "56", AttentionKind.FACT_DISAGREES),
    ],
)
def test_what_moved_nothing_is_ignored(action: str, code: str, attention: AttentionKind | None):
    reading = told({"action": action, "code": code})

    assert isinstance(reading, Ignored)
    assert reading.attention is attention


def test_a_cancelled_payment_ends_its_attempt():
    reading = told({"action": "canceled"})

    assert isinstance(reading, tuple)
    assert reading[1] == AttemptEnd("mobilpay", ACCOUNT, (mobilpay.ORDER,), None, Ending.CANCELLED)


@pytest.mark.parametrize("amount", ["20.00", "-20.00"])
def test_a_refund_is_known_by_its_amount_alone(amount: str):
    first = only(told({"action": "credit", "processed": amount}))
    later = only(
        told({"action": "credit", "processed": amount, "told_at": "20261121090000", "crc": "x"})
    )

    assert first.fact.key.item == "credit:RON:2000"
    assert (first.fact.money, first.fact.fact_class) == (Money("RON", 20_00), FactClass.REFUND)
    assert (first.fact.key.move, first.fact.status) == (Move.OUT, Status.SUCCEEDED)
    assert first.fact.key == later.fact.key
    assert first.is_nameless
    assert later.is_nameless


@pytest.mark.parametrize("processed", ["100.00", "130.00"])
def test_more_or_less_than_asked_for_is_told_as_it_was(processed: str):
    report = only(told({"processed": processed}))

    assert report.fact.money == Money("RON", int(processed[:3]) * 100)
    assert report.fact.meant_for == (mobilpay.ORDER,)
    assert report.doubt is None


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": "INV-2026-0002-1"},
        {"order_id": "nobody's"},
        {"order_id": "../../etc"},
        {"asked": "1.00"},
        {"currency": "EUR"},
    ],
)
@pytest.mark.parametrize("action", ["confirmed", "credit", "paid"])
def test_what_its_address_does_not_vouch_for_is_kept_and_is_for_nobody(
    changes: dict[str, str], action: str
):
    report = only(told({"action": action, **changes}))

    assert report.fact.meant_for == ()
    assert report.doubt is not None
    assert mobilpay.ORDER in report.doubt


@pytest.mark.parametrize(
    "changes",
    [
        *({"processed": text} for text in ("1e3", "1,000.00", "１０.00", "NaN", "0.00", "1.001")),
        *({"asked": text} for text in ("nothing", "-1.00", "0")),
        *({"currency": text} for text in ("XXX", "ron", "")),
        *({"purchase": text} for text in ("", "1/2", "x" * 65, "a b")),
        *({"told_at": text} for text in ("yesterday", "20261399000000", "2026", "9" * 30)),
        *({"told_at": text} for text in ("00010101000000", "99991231235959", "0" * 10, "9" * 13)),
        *({"code": text} for text in ("", "zero", "0x0", "٠")),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_moves_nothing(changes: dict[str, str]):
    with pytest.raises(Refused):
        told(changes)


@pytest.mark.parametrize(
    ("text", "hour"), [("20261120125130", 10), ("20260720125130", 9), ("1795171890", 10)]
)
def test_an_instant_is_romanian_time_or_seconds(text: str, hour: int):
    assert only(told({"told_at": text})).fact.happened_at.astimezone(UTC).hour == hour


def test_an_event_has_one_name_however_it_is_sealed():
    def event(**changes: str) -> Any:
        arrived = mobilpay.delivery(mobilpay.body(mobilpay.a_notice(**changes)))
        return gateway.authenticate(arrived, {}, at("2026-11-20"))

    first, again = event(), event()

    assert first.event_id == again.event_id
    assert first.words == again.words
    assert first.kept != again.kept
    assert first.kind == "confirmed:0"
    others = [
        event(**{name: value}).event_id
        for name, value in {
            "action": "credit",
            "code": "20",
            "purchase": "1233803",
            "processed": "1.00",
            "told_at": "20261120125131",
            "crc": "another",
        }.items()
    ]
    assert len({first.event_id, *others}) == 7


def test_what_is_kept_is_read_with_the_old_key_while_it_is_there():
    arrived = mobilpay.delivery(mobilpay.body())
    kept = gateway.authenticate(arrived, {}, at("2026-11-20")).kept or b""

    assert mobilpay.a_mobilpay("new", "ours").read(kept) == gateway.read(kept)
    with pytest.raises(Refused, match="MOBILPAY_PRIVATE_KEY"):
        mobilpay.a_mobilpay("new").read(kept)


def test_what_is_kept_begins_with_what_came_byte_for_byte():
    arrived = mobilpay.delivery(mobilpay.body())

    kept = gateway.authenticate(arrived, {}, at("2026-11-20")).kept or b""

    assert kept == arrived.body + f"&incasso_secret={mobilpay.secret()}".encode()


def test_at_the_bare_address_what_is_kept_is_what_came():
    bare = mobilpay.a_mobilpay(has_bare_address=True)
    arrived = mobilpay.delivery(mobilpay.body(), is_bare=True)

    envelope = bare.authenticate(arrived, {}, at("2026-11-20"))

    assert envelope.kept == arrived.body
    assert bare.read(arrived.body) == gateway.read(
        gateway.authenticate(replace(arrived, secret=mobilpay.secret()), {}, at("2026-11-20")).kept
        or b""
    )
