"""What a customer sees of the order he agreed to, until its money is taken or is not."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from domain.invoices import Standing
from domain.links import AttemptState, Fate, Saying, saying
from ledger.links import attempting, closing, granting, showing
from ledger.links.attempting import Attempt, Click
from ledger.links.granting import Target, Terms
from ledger.settlement import captures as rows
from ledger.store import Store
from runtime import clock, wiring
from tests import paypal_server
from tests.builders import a_report, eur
from tests.desk import Desk
from tests.paypal_server import MERCHANT, Account
from tests.workers import paypal
from tests.workers.paypal import ORDER, approved, errands, keep, work
from tests.workers.test_captures import pass_time
from tests.workers.test_events import settle_all
from workers import captures
from workers.nudges import Nudges

CLICK = Click("paypal", f"{MERCHANT}/test", "ro")
SECRET = b"a secret that no test tells anybody"


@pytest.fixture
def account(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setattr(Nudges, "send", lambda self, ids: None)
    monkeypatch.setattr(Nudges, "hurry", lambda self: None)
    pass_time(monkeypatch, timedelta(seconds=1))
    with paypal_server.serving() as account:
        paypal.wire(account, monkeypatch)
        yield account


@pytest.fixture
def invoice(desk: Desk) -> Standing:
    return desk.invoice(desk.open(), "20", "EUR")


@pytest.fixture
def attempt(store: Store, account: Account, invoice: Standing) -> Attempt:
    """A click that led to PayPal, where the customer is now."""
    target = Target(invoice.client_id, invoice.id)
    granted = store.act(
        lambda books: granting.grant(books, target, Terms(), SECRET, "test", clock.now())
    )
    with store.transaction() as books:
        shown = showing.find(books, granted.token, clock.now())
        assert shown is not None
        begun = attempting.begin(books, shown, CLICK, clock.now())
        attempting.opened(books, begun.id, ORDER, "https://www.paypal.com/checkoutnow")
    account.order(ORDER, custom_id=invoice.number, invoice_id=begun.order_id)
    return begun


def seen(store: Store, attempt: Attempt) -> Saying:
    """What the page of the link says."""
    with store.transaction() as books:
        return saying(Fate.OPEN, showing.bills(books, showing.get(books, attempt.link_id)))


def state(desk: Desk, attempt: Attempt) -> AttemptState:
    return AttemptState(desk.query(f"SELECT state FROM attempts WHERE id = {attempt.id}")[0][0])


def agree(desk: Desk, store: Store, number: int = 1) -> None:
    keep(desk, approved(number))
    settle_all(store, wiring.gateways())


def capture(store: Store) -> None:
    assert captures.capture_next(store, wiring.gateways(), [])


def test_nobody_is_asked_to_pay_again_for_what_he_agreed_to(
    desk: Desk, store: Store, account: Account, attempt: Attempt
):
    told = [seen(store, attempt)]
    agree(desk, store)
    told.append(seen(store, attempt))
    work(store)
    told.append(seen(store, attempt))

    assert told == [Saying.PAYABLE, Saying.PROCESSING, Saying.PAID]
    assert account.taken == [ORDER]
    assert desk.differences() == []


@pytest.mark.parametrize("issue", ["INSTRUMENT_DECLINED", "TRANSACTION_REFUSED"])
def test_what_is_declined_has_failed_and_may_be_agreed_to_anew(
    desk: Desk, store: Store, account: Account, attempt: Attempt, issue: str
):
    account.refusals[ORDER] = issue
    agree(desk, store)
    capture(store)
    told = [seen(store, attempt)]
    account.refusals.clear()
    agree(desk, store, 2)
    told.append(seen(store, attempt))
    work(store)

    assert told == [Saying.FAILED, Saying.PROCESSING]
    assert seen(store, attempt) is Saying.PAID
    assert account.taken == [ORDER]
    assert desk.differences() == []


def test_what_paypal_will_never_take_has_failed_and_a_person_is_told(
    desk: Desk, store: Store, account: Account, attempt: Attempt
):
    account.refusals[ORDER] = "COMPLIANCE_VIOLATION"
    agree(desk, store)
    capture(store)

    assert seen(store, attempt) is Saying.FAILED
    assert desk.attention() == [("capture_failed", f"order:{ORDER}")]


def test_who_did_not_agree_may_still_pay(
    desk: Desk, store: Store, account: Account, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
):
    """An event that says he did proves nothing."""
    account.refusals[ORDER] = "ORDER_NOT_APPROVED"
    agree(desk, store)
    capture(store)
    told = seen(store, attempt)
    account.refusals.clear()
    pass_time(monkeypatch, timedelta(minutes=1))
    work(store)

    assert told is Saying.PAYABLE
    assert seen(store, attempt) is Saying.PAID
    assert account.taken == [ORDER]


def test_who_did_not_agree_to_what_is_paid_meanwhile_is_waited_for_no_longer(
    desk: Desk, store: Store, account: Account, attempt: Attempt, invoice: Standing
):
    account.refusals[ORDER] = "ORDER_NOT_APPROVED"
    agree(desk, store)
    with store.transaction() as books:
        claimed = rows.claim(books, clock.now())
    assert claimed is not None
    pay_otherwise(desk, invoice)

    with store.transaction() as books:
        assert rows.wait(books, claimed, "not yet", clock.now())

    assert ("capture", f"order:{ORDER}", "cancelled") in errands(desk)
    assert state(desk, attempt) is AttemptState.EXPIRED
    assert desk.differences() == []


def test_nobody_is_asked_to_pay_while_the_end_is_unknown(
    desk: Desk, store: Store, account: Account, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
):
    account.troubles = ["silence"]
    agree(desk, store)
    work(store)
    account.remembered.clear()
    pass_time(monkeypatch, timedelta(hours=6))
    work(store)

    assert errands(desk) == [("capture", f"order:{ORDER}", "unknown")]
    assert seen(store, attempt) is Saying.PROCESSING


def test_what_a_person_has_looked_at_may_be_paid_again(
    desk: Desk, store: Store, account: Account, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
):
    account.troubles = ["silence"]
    agree(desk, store)
    work(store)
    account.remembered.clear()
    pass_time(monkeypatch, timedelta(hours=6))
    work(store)
    ((number,),) = desk.query("SELECT id FROM attention WHERE kind = 'capture_failed'")

    with store.transaction() as books:
        rows.let_go(books, number)

    assert seen(store, attempt) is Saying.FAILED


def test_what_is_still_tried_is_not_let_go(
    desk: Desk, store: Store, account: Account, attempt: Attempt
):
    account.troubles = [403]
    agree(desk, store)
    work(store)
    ((number,),) = desk.query("SELECT id FROM attention WHERE kind = 'capture_failed'")

    with store.transaction() as books:
        rows.let_go(books, number)

    assert seen(store, attempt) is Saying.PROCESSING


def pay_otherwise(desk: Desk, invoice: Standing) -> None:
    desk.deliver([a_report(eur("24.20"), reference="pi_other", meant_for=invoice.number)])
    desk.settle()


def revoke(desk: Desk, invoice: Standing) -> None:
    with desk.store.transaction() as books:
        granting.revoke(books, Target(invoice.client_id, invoice.id), "test", clock.now())


def write_off(desk: Desk, invoice: Standing) -> None:
    desk.write_off(invoice.id)


def close_sessions(store: Store) -> None:
    """As the errand does at a gateway that closes nothing by request."""
    with store.transaction() as books:
        claimed = closing.claim(books, clock.now())
        assert claimed is not None
        closing.let_lapse(books, claimed, "PayPal closes no order by request")


@pytest.mark.parametrize(
    ("end", "has_agreed"),
    [
        (pay_otherwise, False),
        (pay_otherwise, True),
        (write_off, False),
        (write_off, True),
        (revoke, False),
    ],
)
def test_what_is_no_longer_to_be_paid_there_is_not_taken(
    desk: Desk,
    store: Store,
    account: Account,
    attempt: Attempt,
    invoice: Standing,
    end: Callable[[Desk, Standing], None],
    *,
    has_agreed: bool,
):
    if has_agreed:
        agree(desk, store)
    end(desk, invoice)
    if not has_agreed:
        close_sessions(store)
        agree(desk, store)
    before = desk.payments()

    capture(store)
    work(store)

    assert account.taken == []
    assert not [each for each in account.asked if each.endswith("/capture")]
    assert ("capture", f"order:{ORDER}", "cancelled") in errands(desk)
    assert state(desk, attempt) is AttemptState.EXPIRED
    assert desk.payments() == before
    assert desk.differences() == []


def test_what_may_have_been_taken_is_taken_to_its_end(
    desk: Desk,
    store: Store,
    account: Account,
    attempt: Attempt,
    invoice: Standing,
    monkeypatch: pytest.MonkeyPatch,
):
    """The answer was lost, and the invoice is paid meanwhile: two payments, one is credit."""
    account.troubles = ["lost"]
    agree(desk, store)
    capture(store)
    pay_otherwise(desk, invoice)
    pass_time(monkeypatch, timedelta(minutes=1))

    work(store)

    assert account.taken == [ORDER]
    assert [each.unapplied_minor for each in desk.payments()] == [0, 2420]
    assert ("overpaid", f"payment:{desk.payments()[1].id}") in desk.attention()
    assert desk.standing(invoice.id).paid_minor == 2420
    assert desk.differences() == []


@pytest.mark.parametrize("trouble", ["ORDER_NOT_APPROVED", "silence", 503])
def test_what_was_tried_in_vain_and_is_paid_meanwhile_is_not_taken(
    desk: Desk,
    store: Store,
    account: Account,
    attempt: Attempt,
    invoice: Standing,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str | int,
):
    """PayPal is asked first: only what it has taken by now is kept."""
    if trouble == "ORDER_NOT_APPROVED":
        account.refusals[ORDER] = trouble
    else:
        account.troubles = [trouble]
    agree(desk, store)
    capture(store)
    account.refusals.clear()
    pay_otherwise(desk, invoice)
    close_sessions(store)
    agree(desk, store, 2)
    tried = len([each for each in account.asked if each.endswith("/capture")])
    pass_time(monkeypatch, timedelta(minutes=1))

    work(store)

    assert account.taken == []
    assert len([each for each in account.asked if each.endswith("/capture")]) == tried
    assert ("capture", f"order:{ORDER}", "cancelled") in errands(desk)
    assert state(desk, attempt) is AttemptState.EXPIRED
    assert [each.unapplied_minor for each in desk.payments()] == [0]
    assert desk.differences() == []


def test_a_hand_that_was_late_moves_nothing(
    desk: Desk, store: Store, account: Account, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
):
    agree(desk, store)
    with store.transaction() as books:
        late = rows.claim(books, clock.now())
    assert late is not None
    pass_time(monkeypatch, timedelta(minutes=2))
    with store.transaction() as books:
        assert rows.claim(books, clock.now()) is not None

    with store.transaction() as books:
        assert not rows.drop(books, late)
        assert not rows.wait(books, late, "late", clock.now())
        assert not rows.decline(books, late, "late")

    assert state(desk, attempt) is AttemptState.PENDING
