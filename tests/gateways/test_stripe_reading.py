"""What Stripe's events tell: one fact per payment, whichever event tells it."""

from datetime import UTC, datetime

import pytest

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import (
    Ask,
    AttemptEnd,
    Ending,
    FactClass,
    FactKey,
    Ignored,
    Move,
    Report,
    Status,
    Told,
    Trust,
)
from domain.money import Money
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from tests.gateways.deliveries import SECRET, stripe_body, stripe_object

TEST = Stripe("own", (SECRET,), is_live=False)
LIVE = Stripe("own", (SECRET,), is_live=True)
RON = Money("RON", 24200)


def the_report(raw: bytes) -> Report:
    reading = TEST.read(raw)
    assert isinstance(reading, tuple)
    report, *_ = reading
    assert isinstance(report, Report)
    return report


def the_reports(raw: bytes) -> list[Report]:
    reading = TEST.read(raw)
    assert isinstance(reading, tuple)
    return [report for report in reading if isinstance(report, Report)]


def ignored(reading: object) -> Ignored:
    assert isinstance(reading, Ignored)
    return reading


SISTERS = {
    "session_paid": (Status.SUCCEEDED, ("pi_3Own42",)),
    "session_unpaid": (Status.PENDING, ("pi_3Own42",)),
    "session_async_succeeded": (Status.SUCCEEDED, ("pi_3Own42",)),
    "session_async_failed": (Status.FAILED, ("pi_3Own42",)),
    "intent_succeeded": (Status.SUCCEEDED, ("pi_3Own42", "ch_3Own42")),
    "intent_expanded": (Status.SUCCEEDED, ("pi_3Own42", "ch_3Own42")),
    "intent_processing": (Status.PENDING, ("pi_3Own42", "ch_3Own42")),
    "intent_failed": (Status.FAILED, ("pi_3Own42", "ch_3Own42")),
    "intent_canceled": (Status.FAILED, ("pi_3Own42",)),
    "charge_succeeded": (Status.SUCCEEDED, ("pi_3Own42", "ch_3Own42")),
    "charge_authorised": (Status.PENDING, ("pi_3Own42", "ch_3Own42")),
    "charge_pending": (Status.PENDING, ("pi_3Own42", "ch_3Own42")),
    "charge_failed": (Status.FAILED, ("pi_3Own42", "ch_3Own42")),
}


@pytest.mark.parametrize(("name", "told"), SISTERS.items(), ids=SISTERS.keys())
def test_every_sister_event_tells_of_one_fact(name: str, told: tuple[Status, tuple[str, ...]]):
    report = the_report(stripe_body(name))

    assert report.fact.key == FactKey("stripe", "own/test", "pi_3Own42", Move.IN, "")
    assert (report.fact.status, report.names) == told
    assert report.fact.money == RON
    assert report.fact.meant_for == ("INV-2026-0042",)
    assert report.fact.trust is Trust.DELIVERY
    assert report.fact.fact_class is FactClass.PAYMENT


def test_money_came_when_the_event_happened_not_when_the_session_was_made():
    report = the_report(stripe_body("session_paid"))

    assert report.fact.happened_at == datetime(2026, 11, 20, 22, 19, 30, tzinfo=UTC)


def test_a_charge_without_an_intent_is_known_by_its_own_name():
    report = the_report(stripe_body("charge_without_intent"))

    assert report.fact.key.reference == "ch_3Own42"
    assert report.names == ("ch_3Own42",)
    assert report.fact.meant_for == ()


def test_an_expanded_intent_is_the_same_payment():
    report = the_report(stripe_object("charge_succeeded", payment_intent={"id": "pi_3Own42"}))

    assert report == the_report(stripe_body("charge_succeeded"))


def test_a_partial_capture_counts_what_was_captured():
    raw = stripe_object("intent_succeeded", amount_received=10000)

    assert the_report(raw).fact.money == Money("RON", 10000)


QUIET = {
    "nothing to pay": stripe_body("session_free"),
    "a subscription": stripe_body("session_subscription"),
    "a thin event": stripe_body("thin"),
    "an unknown type": stripe_body("intent_succeeded", type="customer.created"),
}


@pytest.mark.parametrize("raw", QUIET.values(), ids=QUIET.keys())
def test_what_says_nothing_about_money_in_is_ignored_in_silence(raw: bytes):
    assert ignored(TEST.read(raw)).attention is None


def test_an_event_of_the_other_mode_is_ignored_and_shown():
    test_event, live_event = (
        stripe_body("intent_succeeded"),
        stripe_body("intent_succeeded", livemode=True),
    )

    assert ignored(LIVE.read(test_event)).attention is AttentionKind.OTHER_MODE
    assert ignored(TEST.read(live_event)).attention is AttentionKind.OTHER_MODE
    assert not isinstance(LIVE.read(live_event), Ignored)


def test_an_event_of_another_account_is_ignored_and_shown():
    connected = stripe_body("intent_succeeded", account="acct_1Other")
    ours = Stripe("acct_1Other", (SECRET,), is_live=False)

    assert ignored(TEST.read(connected)).attention is AttentionKind.OTHER_ACCOUNT
    assert not isinstance(ours.read(connected), Ignored)
    assert not isinstance(TEST.read(stripe_body("intent_succeeded", account=None)), Ignored)


@pytest.mark.parametrize(
    "amount", [0, -1, 10.5, "100", 2**63, 10**13 + 1, None, True, [], {"amount": 1}]
)
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("session_paid", "amount_total"),
        ("intent_succeeded", "amount_received"),
        ("charge_succeeded", "amount_captured"),
        ("charge_failed", "amount"),
    ],
)
def test_an_amount_that_is_none_is_refused(name: str, field: str, amount: object):
    with pytest.raises(Refused):
        TEST.read(stripe_object(name, **{field: amount}))


MINOR_UNITS = [
    ("ron", 24200, Money("RON", 24200)),
    ("eur", 1, Money("EUR", 1)),
    ("jpy", 500, Money("JPY", 500)),
    ("krw", 500, Money("KRW", 500)),
    ("bhd", 12340, Money("BHD", 12340)),
    ("isk", 50000, Money("ISK", 500)),
    ("ugx", 50000, Money("UGX", 500)),
    ("mga", 500, Money("MGA", 50000)),
]


@pytest.mark.parametrize(("code", "amount", "money"), MINOR_UNITS)
def test_smallest_units_become_money_exactly(code: str, amount: int, money: Money):
    raw = stripe_object("intent_succeeded", currency=code, amount_received=amount)

    assert the_report(raw).fact.money == money


@pytest.mark.parametrize(
    ("code", "amount"),
    [("isk", 50001), ("mga", 10**12), ("xyz", 100), ("", 100), (None, 100), ("r" * 10_000, 100)],
)
def test_money_that_cannot_be_is_refused(code: object, amount: int):
    with pytest.raises(Refused):
        TEST.read(stripe_object("intent_succeeded", currency=code, amount_received=amount))


def test_the_invoice_named_by_us_goes_before_the_one_named_by_the_customer():
    both = stripe_object("session_paid", client_reference_id="INV-9")
    one = stripe_object("session_paid", client_reference_id=" INV-9 ", metadata={})

    assert the_report(both).fact.meant_for == ("INV-2026-0042",)
    assert the_report(one).fact.meant_for == ("INV-9",)


@pytest.mark.parametrize(
    "metadata", [None, [], "INV-1", {}, {"invoice_id": None}, {"invoice_id": 7}]
)
def test_metadata_of_any_shape_names_nothing(metadata: object):
    raw = stripe_object("intent_succeeded", metadata=metadata)

    assert the_report(raw).fact.meant_for == ()


@pytest.mark.parametrize(
    "name", ["I" * 256, "I" * 200_000, "INV-1\tINV-2", "\u202eINV-1", "INV-\x07"]
)
def test_a_monstrous_name_is_kept_short_and_printable(name: str):
    raw = stripe_object("intent_succeeded", metadata={"invoice_id": name})

    (meant_for,) = the_report(raw).fact.meant_for

    assert meant_for != name
    assert len(meant_for) <= 255
    assert meant_for.isprintable()


@pytest.mark.parametrize("name", ["' OR 1=1--", "../../etc/passwd", "<script>", "Ștefan 1"])
def test_a_hostile_name_is_only_a_name(name: str):
    raw = stripe_object("intent_succeeded", metadata={"invoice_id": name})

    assert the_report(raw).fact.meant_for == (name,)


SENSELESS = {
    "no JSON": b"{",
    "no object": b"[]",
    "no type": stripe_body("intent_succeeded", type=None),
    "a type with half a character": stripe_body("intent_succeeded", type="\ud800"),
    "no data": stripe_body("intent_succeeded", data=None),
    "no object in data": stripe_body("intent_succeeded", data={}),
    "no instant": stripe_body("intent_succeeded", created=None),
    "an instant with a point": stripe_body("intent_succeeded", created=1.5),
    "an instant beyond all time": stripe_body("intent_succeeded", created=10**30),
    "a payment without a name": stripe_object("session_paid", payment_intent=None),
    "a name that is a number": stripe_object("charge_succeeded", payment_intent=7),
    "a name of 10 kB": stripe_object("intent_succeeded", id="p" * 10_000),
    "a name with a line end": stripe_object("intent_succeeded", id="pi_1\n"),
    "an unheard-of state": stripe_object("session_paid", payment_status="perhaps"),
}


@pytest.mark.parametrize("raw", SENSELESS.values(), ids=SENSELESS.keys())
def test_a_genuine_event_without_sense_is_refused(raw: bytes):
    with pytest.raises(Refused):
        TEST.read(raw)


REFUNDS = {
    "pending": Status.PENDING,
    "requires_action": Status.PENDING,
    "succeeded": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "refund.failed"])
@pytest.mark.parametrize(("status", "told"), REFUNDS.items())
def test_a_refund_is_one_fact_of_its_payment(kind: str, status: str, told: Status):
    report = the_report(
        stripe_object("refund_created", status=status).replace(
            b'"refund.created"', f'"{kind}"'.encode()
        )
    )

    assert report.fact.key == FactKey("stripe", "own/test", "pi_3Own42", Move.OUT, "re_3Own42")
    assert report.fact.status is told
    assert report.fact.money == Money("RON", 5000)
    assert report.fact.fact_class is FactClass.REFUND
    assert report.fact.meant_for == ()
    assert report.names == ("pi_3Own42", "ch_3Own42")


@pytest.mark.parametrize(
    ("kind", "move", "transaction"),
    [
        ("charge.dispute.funds_withdrawn", Move.OUT, "txn_out"),
        ("charge.dispute.funds_reinstated", Move.BACK, "txn_back"),
    ],
)
def test_a_dispute_moves_money_by_its_balance_transaction(kind: str, move: Move, transaction: str):
    report = the_report(stripe_body("dispute_lost_and_won", type=kind))

    assert report.fact.key.move is move
    assert report.fact.key.item == f"du_3Own42/{transaction}"
    assert report.fact.fact_class is FactClass.CHARGEBACK
    assert report.fact.money == Money("RON", 24200)


def test_a_dispute_that_is_opened_or_closed_moves_no_money():
    opened = TEST.read(stripe_body("dispute_lost_and_won", type="charge.dispute.created"))
    closed = TEST.read(stripe_body("dispute_lost_and_won", type="charge.dispute.closed"))

    assert ignored(opened).attention is AttentionKind.DISPUTE_OPENED
    assert ignored(closed).attention is None


def test_a_refund_whose_status_nobody_knows_is_refused():
    with pytest.raises(Refused):
        TEST.read(stripe_object("refund_created", status="vanished"))


def test_a_running_total_of_nothing_is_ignored():
    total = stripe_body("charge_succeeded", type="charge.refunded")

    assert ignored(TEST.read(total)).attention is None


def told(raw: bytes) -> tuple[Told, ...]:
    reading = TEST.read(raw)
    assert isinstance(reading, tuple)
    return reading


def test_a_running_total_of_refunds_is_a_question_and_no_fact():
    total = stripe_object("charge_succeeded", amount_refunded=5000)

    asked = told(total.replace(b'"charge.succeeded"', b'"charge.refunded"'))

    assert asked == (Ask("stripe", "own/test", "pi_3Own42", refunded=Money("RON", 5000)),)


def test_a_refund_or_dispute_that_names_only_a_charge_says_so():
    """A charge may have an intent all the same; nobody knows it from this delivery."""
    for name in ("refund_created", "dispute_lost_and_won"):
        alias, main = (
            the_reports(stripe_object(name, payment_intent=intent))
            for intent in (None, "pi_3Own42")
        )
        assert {(report.is_alias, report.fact.key.reference) for report in alias} == {
            (True, "ch_3Own42")
        }
        assert {(report.is_alias, report.fact.key.reference) for report in main} == {
            (False, "pi_3Own42")
        }


def test_a_payment_without_an_intent_is_no_alias():
    assert not the_report(stripe_body("charge_without_intent")).is_alias


def test_a_dispute_tells_its_fee_beside_its_money():
    chargeback, fee = the_reports(stripe_body("dispute_lost_and_won"))

    assert chargeback.fact.key.move is Move.OUT
    assert fee.fact.key == FactKey("stripe", "own/test", "pi_3Own42", Move.FEE, "txn_out")
    assert (fee.fact.money, fee.fact.fact_class) == (Money("RON", 7500), FactClass.FEE)


@pytest.mark.parametrize("entries", [None, [], [{"id": "txn_1"}], [{"amount": 1}], "txn_1"])
def test_a_dispute_that_names_no_entry_is_a_question(entries: object):
    raw = stripe_object("dispute_lost_and_won", balance_transactions=entries)

    assert told(raw) == (Ask("stripe", "own/test", "pi_3Own42"),)


def test_an_update_that_brings_a_balance_transaction_asks_for_its_fee_when_it_can():
    raw = stripe_object("charge_succeeded", balance_transaction="txn_1").replace(
        b'"charge.succeeded"', b'"charge.updated"'
    )
    keyed = Stripe("own", (SECRET,), is_live=False, api=StripeApi("sk_test_x", None))

    assert keyed.read(raw) == (Ask("stripe", "own/test", "pi_3Own42", transaction="txn_1"),)
    assert "STRIPE_API_KEY" in ignored(TEST.read(raw)).reason


def test_an_update_that_shows_the_balance_transaction_tells_the_fee():
    entry = {"id": "txn_1", "amount": 24200, "currency": "eur", "fee": 31}
    raw = stripe_object("charge_succeeded", balance_transaction=entry).replace(
        b'"charge.succeeded"', b'"charge.updated"'
    )

    (fee,) = the_reports(raw)

    assert fee.fact.key == FactKey("stripe", "own/test", "pi_3Own42", Move.FEE, "txn_1")
    assert fee.fact.money == Money("EUR", 31)
    assert fee.fact.meant_for == ()


@pytest.mark.parametrize("entry", [None, {"id": "txn_1", "currency": "eur", "fee": 0}])
def test_an_update_without_a_fee_is_ignored(entry: object):
    raw = stripe_object("charge_succeeded", balance_transaction=entry).replace(
        b'"charge.succeeded"', b'"charge.updated"'
    )

    assert ignored(TEST.read(raw)).attention is None


@pytest.mark.parametrize("fee", [1.5, "31", True, 10**14])
def test_a_fee_that_is_none_is_refused(fee: object):
    entry = {"id": "txn_1", "currency": "eur", "fee": fee}
    raw = stripe_object("charge_succeeded", balance_transaction=entry).replace(
        b'"charge.succeeded"', b'"charge.updated"'
    )

    with pytest.raises(Refused):
        TEST.read(raw)


def test_an_expired_session_ends_its_attempt_by_order_id_or_session():
    raw = stripe_body("session_unpaid", type="checkout.session.expired")

    (end,) = told(raw)

    assert isinstance(end, AttemptEnd)
    assert end.order_ids == ("INV-2026-0042",)
    assert end.session is not None
    assert end.session.startswith("cs_test_")
    assert end.ending is Ending.EXPIRED


def test_a_cancelled_intent_is_a_failed_payment_and_the_end_of_its_attempt():
    failed, end = told(stripe_body("intent_canceled"))

    assert isinstance(failed, Report)
    assert failed.fact.status is Status.FAILED
    assert end == AttemptEnd("stripe", "own/test", ("INV-2026-0042",), None, Ending.CANCELLED)


def test_a_capture_brings_the_money_of_an_authorised_charge():
    authorised = the_report(stripe_body("charge_authorised"))
    captured = the_report(
        stripe_object("charge_succeeded", amount_captured=20000, payment_intent=None).replace(
            b'"charge.succeeded"', b'"charge.captured"'
        )
    )

    assert authorised.fact.status is Status.PENDING
    assert (captured.fact.status, captured.fact.money) == (Status.SUCCEEDED, Money("RON", 20000))
    assert (captured.fact.key.reference, captured.is_alias) == ("ch_3Own42", False)


def test_what_may_be_captured_is_no_money_yet():
    raw = stripe_body("intent_succeeded", type="payment_intent.amount_capturable_updated")

    assert ignored(TEST.read(raw)).attention is None
