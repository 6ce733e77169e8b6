"""What PayPal's events hint at is asked for, and the answer alone is booked."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from ledger.inbox import parking, replaying
from ledger.settlement import lookups as lookup_rows
from ledger.store import Store
from runtime import clock, wiring
from runtime.settings import settings
from tests import paypal_server
from tests.desk import Desk
from tests.paypal_server import MERCHANT, Account
from tests.workers import paypal
from tests.workers.paypal import CAPTURE, ORDER, completed, errands, keep, refunded, states, work
from tests.workers.test_events import settle_all
from workers import events, lookups
from workers.nudges import Nudges

NAME = f"name:{CAPTURE}"


@pytest.fixture
def account(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with paypal_server.serving() as account:
        paypal.wire(account, monkeypatch)
        yield account


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(Nudges, "send", lambda self, ids: said.append("nudge"))
    monkeypatch.setattr(Nudges, "hurry", lambda self: said.append("hurry"))
    return said


@pytest.fixture(autouse=True)
def _a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock and ours are one; what is due at once is due by now."""
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=1))


def pass_time(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(minutes=minutes))


def paid(desk: Desk, account: Account, **changes: Any) -> int:
    """An invoice over 24.20 EUR, and its capture at PayPal."""
    invoice = desk.invoice(desk.open(), "20", "EUR")
    order = account.order(ORDER, custom_id=invoice.number, **changes)
    account.pay(order, CAPTURE)
    return invoice.id


def test_a_hint_is_parked_asked_about_at_once_and_done_with_its_answer(
    desk: Desk, store: Store, account: Account, hurried: list[str]
):
    invoice = paid(desk, account)
    keep(desk, completed())

    events.settle_events([1])
    before = states(desk), errands(desk), desk.standing(invoice).paid_minor
    lookups.run_lookups()
    events.settle_events([2])

    assert before == (
        [("webhook", "PAYMENT.CAPTURE.COMPLETED", "parked")],
        [("lookup", NAME, "waiting")],
        0,
    )
    assert hurried == ["hurry", "nudge"]
    assert states(desk) == [
        ("webhook", "PAYMENT.CAPTURE.COMPLETED", "done"),
        ("lookup", "lookup", "done"),
    ]
    assert errands(desk) == [("lookup", NAME, "done")]
    assert desk.standing(invoice).paid_minor == 2420
    account_name = f"paypal:{MERCHANT}/test"
    assert ("fee", "outside:fees", f"outside:{account_name}", 117) in desk.postings()
    assert desk.differences() == []


def test_a_hints_own_amount_never_reaches_the_books(desk: Desk, store: Store, account: Account):
    invoice = paid(desk, account)
    keep(desk, completed().replace(b'"24.20"', b'"99.20"'))

    work(store)

    assert desk.standing(invoice).paid_minor == 2420
    assert [payment.amount_minor for payment in desk.payments()] == [2420]
    assert desk.differences() == []


def test_a_hint_about_a_payment_long_known_waits_for_a_new_answer_all_the_same(
    desk: Desk, store: Store, account: Account
):
    invoice = paid(desk, account)
    keep(desk, completed())
    work(store)
    account.refund(account.captures[CAPTURE], "REF1", "5.00")
    keep(desk, refunded("REF1"))

    settle_all(store, wiring.gateways())
    events.sweep()
    settle_all(store, wiring.gateways())
    parked = states(desk)[2]
    work(store)

    assert parked == ("webhook", "PAYMENT.CAPTURE.REFUNDED", "parked")
    assert {state for *_, state in states(desk)} == {"done"}
    assert desk.standing(invoice).paid_minor == 1920
    assert desk.differences() == []


def test_every_order_of_two_hints_and_their_answers_ends_the_same(
    desk: Desk, store: Store, account: Account
):
    outcomes = []
    client = desk.open()
    for number, order in enumerate(permutations(("completed", "refunded", "reversed"))):
        invoice = desk.invoice(client, "20", "EUR")
        capture = f"CAP{number}"
        account.pay(account.order(f"ORD{number}", custom_id=invoice.number), capture)
        account.refund(account.captures[capture], f"REF{number}", "5.00")
        account.refund(
            account.captures[capture], f"REV{number}", "9.20", note_to_payer="Payment reversed"
        )
        bodies = {
            "completed": completed(number, capture),
            "refunded": refunded(f"REF{number}", capture),
            "reversed": refunded(f"REV{number}", capture, "payment_capture_reversed"),
        }
        for step in order:
            keep(desk, bodies[step])
            work(store)
        outcomes.append(
            desk.query(
                "SELECT amount_minor, returned_minor, lost_minor FROM payments"
                f" WHERE gateway_reference = '{capture}'"
            )
            + desk.query(
                "SELECT move, class, amount_minor FROM facts"
                f" WHERE reference = '{capture}' ORDER BY move, class"
            )
            + [desk.standing(invoice.id).paid_minor]
        )

    assert len(outcomes) == 6
    assert outcomes[0][0] == (2420, 1420, 0)
    assert outcomes[0][-1] == 1000
    assert outcomes == [outcomes[0]] * 6
    assert {state for *_, state in states(desk)} == {"done"}
    assert desk.differences() == []


def test_the_same_answer_again_is_one_event_and_closes_every_hint(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    """Three events of PayPal's about one capture that has not changed since."""
    invoice = paid(desk, account)
    for number in range(3):
        keep(desk, completed(number))
        work(store)
    pass_time(monkeypatch, 2)
    work(store)

    assert [source for source, *_ in states(desk)].count("lookup") == 1
    assert {state for *_, state in states(desk)} == {"done"}
    assert {state for *_, state in errands(desk)} == {"done"}
    assert desk.standing(invoice).paid_minor == 2420
    assert desk.differences() == []


def test_a_hint_that_comes_while_paypal_is_asked_is_not_covered_by_that_answer(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    paid(desk, account)
    keep(desk, completed(1))
    settle_all(store, wiring.gateways())
    account.troubles = ["hold"]

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(lookups.look_up_next, store, wiring.gateways(), [])
        until(lambda: any("captures" in each for each in account.asked))
        keep(desk, completed(2))
        settle_all(store, wiring.gateways())
        account.go.set()
        asking.result(30)
    late = states(desk)
    work(store)

    assert [state for *_, state in late] == ["parked", "parked"]
    assert {state for *_, state in states(desk)} == {"done"}
    assert account.asked.count(f"GET /v2/payments/captures/{CAPTURE}") == 2


def test_an_unknown_capture_stays_parked_until_a_person_lets_it_go(
    desk: Desk, store: Store, account: Account
):
    desk.open()
    keep(desk, completed(), refunded("REF1"))

    work(store)
    parked = states(desk)
    shown = desk.attention()
    with store.transaction() as books:
        for (id_,) in desk.query("SELECT id FROM attention"):
            lookup_rows.let_go(books, id_, "forged")

    assert [state for *_, state in parked] == ["parked", "parked"]
    assert shown == [("lookup_failed", NAME), ("lookup_failed", f"{NAME}/REF1")]
    assert desk.payments() == []
    assert [state for *_, state in states(desk)] == ["ignored", "ignored"]


def test_what_could_not_be_asked_is_no_longer_shown_once_it_was(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    invoice = paid(desk, account)
    account.refund(account.captures[CAPTURE], "REF1", "5.00")
    keep(desk, refunded("REF1"))
    account.troubles = [403]
    work(store)
    shown = desk.attention()

    for _ in range(3):
        pass_time(monkeypatch, 5)
        work(store)

    assert shown == [("lookup_failed", f"{NAME}/REF1")]
    assert "lookup_failed" not in [kind for kind, _ in desk.attention()]
    assert desk.standing(invoice).paid_minor == 1920
    assert {state for *_, state in errands(desk)} == {"done"}


def test_a_refund_that_no_order_lists_is_booked_all_the_same(
    desk: Desk, store: Store, account: Account
):
    invoice = paid(desk, account)
    account.refund(account.captures[CAPTURE], "REF1", "24.20", is_listed=False)
    keep(desk, completed(), refunded("REF1"))

    work(store)

    assert desk.standing(invoice).paid_minor == 0
    assert desk.differences() == []


def test_an_answer_that_makes_no_sense_leaves_its_hint_parked_and_a_person_is_told(
    desk: Desk, store: Store, account: Account
):
    paid(desk, account)
    account.captures[CAPTURE]["status"] = "UNHEARD_OF"
    keep(desk, completed())

    work(store)

    assert [state for *_, state in states(desk)] == ["parked", "dead"]
    assert ("dead_event", "event:2") in desk.attention()
    assert desk.differences() == []


def test_an_answer_of_another_merchant_books_nothing_and_ends_the_asking(
    desk: Desk, store: Store, account: Account
):
    paid(desk, account, payee={"merchant_id": "OTHER"})
    keep(desk, completed())

    work(store)
    events.sweep()

    assert [state for *_, state in states(desk)] == ["done", "ignored"]
    assert desk.payments() == []
    assert ("other_account", "event:2") in desk.attention()


def test_a_replayed_hint_is_asked_about_anew(desk: Desk, store: Store, account: Account):
    invoice = paid(desk, account)
    (hint,) = keep(desk, completed())
    work(store)
    asked = len(account.asked)

    with store.transaction() as books:
        replaying.put_back(books, [hint], "test", "once more")
    work(store)

    assert len(account.asked) > asked
    assert {state for *_, state in states(desk)} == {"done"}
    assert desk.standing(invoice).paid_minor == 2420


def test_the_sweep_closes_a_hint_whose_worker_died_after_its_answer_was_settled(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    paid(desk, account)
    keep(desk, completed())
    settle_all(store, wiring.gateways())
    lookups.run_lookups()
    with monkeypatch.context() as without:
        without.setattr(parking, "release", lambda *_: 0)
        settle_all(store, wiring.gateways())
    before = states(desk)[0]

    events.sweep()

    assert before[2] == "parked"
    assert states(desk)[0][2] == "done"


def test_without_credentials_nothing_is_booked_and_a_person_is_told(
    desk: Desk, store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("PAYPAL_CLIENT_SECRET")
    settings.cache_clear()
    wiring.gateways.cache_clear()
    paid(desk, account)
    keep(desk, completed())

    work(store)

    assert states(desk) == [("webhook", "PAYMENT.CAPTURE.COMPLETED", "parked")]
    assert desk.attention() == [("lookup_failed", NAME)]


def until(is_so) -> None:
    """Waits for another thread."""
    pause = threading.Event()
    for _ in range(2_000):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to pass")
