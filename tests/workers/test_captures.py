"""An order that its customer agreed to is captured once, whoever dies where."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gateways.paypal_api import PayPalApi
from ledger import stops
from ledger.inbox import answers
from ledger.settlement import captures as rows
from ledger.stops import Stop
from ledger.store import Store
from runtime import clock, wiring
from tests import paypal_server
from tests.desk import Desk
from tests.paypal_server import Account
from tests.workers import paypal
from tests.workers.paypal import (
    CAPTURE,
    ORDER,
    approved,
    completed,
    errands,
    keep,
    states,
    work,
)
from tests.workers.test_events import settle_all
from tests.workers.test_hints import until
from workers import captures
from workers.nudges import Nudges

SUBJECT = f"order:{ORDER}"


class Killed(BaseException):
    """As a process dies: nothing after it runs."""


@pytest.fixture
def account(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with paypal_server.serving() as account:
        paypal.wire(account, monkeypatch)
        yield account


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nudges, "send", lambda self, ids: None)
    monkeypatch.setattr(Nudges, "hurry", lambda self: None)


@pytest.fixture(autouse=True)
def _a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    pass_time(monkeypatch, timedelta(seconds=1))


def pass_time(monkeypatch: pytest.MonkeyPatch, time: timedelta) -> None:
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + time)


def agreed(desk: Desk, account: Account) -> int:
    """An invoice over 24.20 EUR, and an order for it that its customer agreed to."""
    invoice = desk.invoice(desk.open(), "20", "EUR")
    account.order(ORDER, custom_id=invoice.number)
    return invoice.id


def captured(desk: Desk, account: Account, invoice: int) -> None:
    """Once: at PayPal, and in the books."""
    assert account.taken == [ORDER]
    assert desk.standing(invoice).paid_minor == 2420
    assert [payment.amount_minor for payment in desk.payments()] == [2420]
    assert ("capture", SUBJECT, "done") in errands(desk)
    assert desk.differences() == []


def test_an_approved_order_is_captured_and_its_answer_is_booked(
    desk: Desk, store: Store, account: Account
):
    invoice = agreed(desk, account)
    keep(desk, approved())

    work(store)

    captured(desk, account, invoice)
    assert states(desk) == [
        ("webhook", "CHECKOUT.ORDER.APPROVED", "done"),
        ("lookup", "lookup", "done"),
    ]
    assert account.asked == ["token", f"POST /v2/checkout/orders/{ORDER}/capture"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_paypals_own_event_about_it_changes_nothing(
    desk: Desk, store: Store, account: Account, order: str
):
    invoice = agreed(desk, account)
    keep(desk, approved())
    if order == "after":
        work(store)
    else:
        settle_all(store, wiring.gateways())
        captures.capture_next(store, wiring.gateways(), [])
    keep(desk, completed())

    work(store)

    captured(desk, account, invoice)
    assert {state for *_, state in states(desk)} == {"done"}


def test_two_approvals_of_one_order_capture_it_once(desk: Desk, store: Store, account: Account):
    invoice = agreed(desk, account)
    keep(desk, approved(1), approved(2))
    work(store)
    keep(desk, approved(3))
    work(store)

    captured(desk, account, invoice)
    assert errands(desk) == [("capture", SUBJECT, "done")] * 2


def dies_before_the_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PayPalApi, "capture", _die)


def dies_when_paypal_has_the_money(patch: pytest.MonkeyPatch) -> None:
    genuine = PayPalApi.capture

    def capture(self: PayPalApi, order_id: str) -> bytes:
        genuine(self, order_id)
        raise Killed

    patch.setattr(PayPalApi, "capture", capture)


def dies_before_the_answer_is_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "keep", _die)


def dies_while_the_answer_is_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(answers, "keep", _die)


def _die(*_: object) -> bytes:
    raise Killed


@pytest.mark.parametrize(
    ("die", "calls"),
    [
        (dies_before_the_call, 1),
        (dies_when_paypal_has_the_money, 2),
        (dies_before_the_answer_is_kept, 2),
        (dies_while_the_answer_is_kept, 2),
    ],
)
def test_dying_anywhere_captures_once_and_loses_nothing(
    desk: Desk,
    store: Store,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    die: Callable[[pytest.MonkeyPatch], None],
    calls: int,
):
    invoice = agreed(desk, account)
    keep(desk, approved())
    settle_all(store, wiring.gateways())

    with monkeypatch.context() as dying:
        die(dying)
        with pytest.raises(Killed):
            captures.run_captures()
    dead = errands(desk)
    work(store)
    leased = errands(desk)
    pass_time(monkeypatch, timedelta(minutes=2))
    work(store)

    assert dead == leased == [("capture", SUBJECT, "claimed")]
    assert len([each for each in account.asked if each.endswith("/capture")]) == calls
    captured(desk, account, invoice)


def test_dying_after_the_keeping_loses_nothing(desk: Desk, store: Store, account: Account):
    """The answer is a row; the sweep finds it."""
    invoice = agreed(desk, account)
    keep(desk, approved())
    settle_all(store, wiring.gateways())
    assert captures.capture_next(store, wiring.gateways(), [])

    settle_all(store, wiring.gateways())

    captured(desk, account, invoice)


@pytest.mark.parametrize("trouble", [500, 503, 429, 409, "silence", "lost"])
def test_a_lost_or_busy_answer_is_asked_for_again_under_the_same_request(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch, trouble: int | str
):
    invoice = agreed(desk, account)
    account.troubles = [trouble]
    keep(desk, approved())
    work(store)
    first = errands(desk)

    pass_time(monkeypatch, timedelta(minutes=1))
    work(store)

    assert first == [("capture", SUBJECT, "waiting")]
    assert list(account.remembered) == [f"capture:{ORDER}"]
    captured(desk, account, invoice)


def test_an_order_captured_already_is_read(desk: Desk, store: Store, account: Account):
    invoice = agreed(desk, account)
    account.pay(account.orders[ORDER], CAPTURE)
    keep(desk, approved())

    work(store)

    captured(desk, account, invoice)
    assert account.asked[-1] == f"GET /v2/checkout/orders/{ORDER}"


@pytest.mark.parametrize("issue", ["ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"])
def test_what_the_customer_has_not_agreed_to_yet_is_waited_for(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch, issue: str
):
    invoice = agreed(desk, account)
    account.refusals[ORDER] = issue
    keep(desk, approved())
    work(store)
    first = errands(desk), desk.attention()
    account.refusals.clear()
    pass_time(monkeypatch, timedelta(minutes=1))

    work(store)

    assert first == ([("capture", SUBJECT, "waiting")], [])
    captured(desk, account, invoice)


def test_a_declined_customer_may_agree_once_more(desk: Desk, store: Store, account: Account):
    invoice = agreed(desk, account)
    account.refusals[ORDER] = "INSTRUMENT_DECLINED"
    keep(desk, approved(1))
    work(store)
    first = errands(desk), desk.attention()
    account.refusals.clear()
    keep(desk, approved(2))

    work(store)

    assert first == ([("capture", SUBJECT, "failed")], [])
    captured(desk, account, invoice)


def test_an_approval_that_comes_while_the_last_one_is_declined_is_not_lost(
    desk: Desk, store: Store, account: Account
):
    invoice = agreed(desk, account)
    account.refusals[ORDER] = "INSTRUMENT_DECLINED"
    account.troubles = ["hold"]
    keep(desk, approved(1))
    settle_all(store, wiring.gateways())

    with ThreadPoolExecutor(1) as pool:
        capturing = pool.submit(captures.capture_next, store, wiring.gateways(), [])
        until(lambda: any(each.endswith("/capture") for each in account.asked))
        account.refusals.clear()
        keep(desk, approved(2))
        settle_all(store, wiring.gateways())
        account.go.set()
        capturing.result(30)
    work(store)

    captured(desk, account, invoice)


def test_an_unknown_order_ends_quietly_and_any_other_refusal_is_shown(
    desk: Desk, store: Store, account: Account
):
    agreed(desk, account)
    account.order("ORDER2")
    account.refusals["ORDER2"] = "COMPLIANCE_VIOLATION"
    keep(desk, approved(1, "ORDER1"), approved(2, "ORDER2"))

    work(store)

    assert {state for *_, state in errands(desk)} == {"failed"}
    assert desk.attention() == [("capture_failed", "order:ORDER2")]
    assert account.taken == []


def test_refused_credentials_are_shown_and_tried_again(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    invoice = agreed(desk, account)
    account.troubles = [403]
    keep(desk, approved())
    work(store)
    shown = desk.attention()
    pass_time(monkeypatch, timedelta(minutes=1))

    work(store)

    assert shown == [("capture_failed", SUBJECT)]
    assert desk.attention() == []
    captured(desk, account, invoice)


@pytest.mark.parametrize("is_captured", [True, False])
def test_once_paypal_forgot_the_request_it_is_only_asked(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch, is_captured: bool
):
    invoice = agreed(desk, account)
    account.troubles = ["lost"] if is_captured else ["silence"]
    keep(desk, approved())
    work(store)
    account.remembered.clear()
    pass_time(monkeypatch, timedelta(hours=6))
    before = len(account.asked)

    work(store)

    assert account.asked[before:] == [f"GET /v2/checkout/orders/{ORDER}"]
    if is_captured:
        captured(desk, account, invoice)
    else:
        assert account.taken == []
        assert errands(desk) == [("capture", SUBJECT, "unknown")]
        assert desk.attention() == [("capture_failed", SUBJECT)]


def test_a_gateway_that_stays_away_leaves_the_end_unknown(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    agreed(desk, account)
    account.troubles = [503] * 9
    keep(desk, approved())
    work(store)
    pass_time(monkeypatch, timedelta(days=3))

    work(store)

    assert errands(desk) == [("capture", SUBJECT, "unknown")]
    assert desk.attention() == [("capture_failed", SUBJECT)]


def test_a_hand_that_was_late_keeps_nothing(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    agreed(desk, account)
    keep(desk, approved())
    settle_all(store, wiring.gateways())
    with store.transaction() as books:
        late = rows.claim(books, clock.now())
    assert late is not None
    pass_time(monkeypatch, timedelta(minutes=2))
    work(store)
    before = states(desk), errands(desk), desk.attention()

    with store.transaction() as books:
        assert rows.keep(books, late, b"{}", b"x") is None
        assert not rows.put_off(books, late, "late", clock.now())
        assert not rows.refuse(books, late, "late", clock.now())
        assert not rows.decline(books, late, "late")
        assert not rows.fail(books, late, "late")
        assert not rows.lose(books, late, "late")

    assert (states(desk), errands(desk), desk.attention()) == before


def test_two_workers_that_race_for_one_order_capture_it_once(
    desk: Desk, store: Store, account: Account
):
    invoice = agreed(desk, account)
    keep(desk, approved())
    settle_all(store, wiring.gateways())
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        captures.capture_next(store, wiring.gateways(), [])

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(run) for _ in range(4)]:
            each.result(30)
    work(store)

    assert account.asked.count(f"POST /v2/checkout/orders/{ORDER}/capture") == 1
    captured(desk, account, invoice)


def test_nothing_is_captured_while_settling_is_stopped(desk: Desk, store: Store, account: Account):
    agreed(desk, account)
    keep(desk, approved())
    settle_all(store, wiring.gateways())
    with store.transaction() as books:
        stops.put(books, Stop.SETTLING, "test", "a test")

    work(store)

    assert account.asked == []
    assert errands(desk) == [("capture", SUBJECT, "waiting")]
