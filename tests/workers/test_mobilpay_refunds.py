"""Money given back through MobilPay, which knows no call again and has no name for a refund."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Refused
from gateways.mobilpay import MobilPay
from gateways.mobilpay_soap import MobilPaySoap
from gateways.port import Gateway, Repayment, Taken
from ledger.books import refunding
from ledger.books.refunding import Asked, RefundRow
from ledger.inbox import replaying
from ledger.links.attempting import Attempt
from ledger.settlement import refunds as rows
from ledger.settlement import telling
from ledger.store import Store
from runtime import clock, wiring
from tests import mobilpay_seal as seal
from tests import mobilpay_server
from tests.desk import WORD, Desk
from tests.mobilpay_server import PASSWORD, USER, Account, fault
from tests.serving import serving
from tests.webhooks.knocking import a_celery
from tests.webhooks.mobilpay import Shop, post
from tests.workers.test_captures import Killed, pass_time
from webhooks.app import Webhooks
from workers import refunds
from workers.nudges import Nudges

NOWHERE = "redis+socket:///nowhere/redis.sock"


@dataclass
class Till:
    """An order over 121 lei that was paid at MobilPay, and the ways in and out."""

    shop: Shop
    door: str
    account: Account
    attempt: Attempt

    @property
    def desk(self) -> Desk:
        return self.shop.desk

    @property
    def gateways(self) -> dict[str, Gateway]:
        return {self.shop.gateway.name: self.shop.gateway}

    def tell(self, at: str | None = None, **changes: str) -> None:
        """A notice at the order's own address, thanked for; `at` of None: of this second."""
        post(self.door, self.attempt, **(changes if at is None else {**changes, "told_at": at}))

    def credit(self, amount: str, at: str | None = None) -> None:
        self.tell(at, action="credit", processed=f"-{amount}")

    def give_back(self, amount: str | None = None) -> RefundRow:
        able = wiring.able_to_refund(self.gateways)
        asked = Asked(
            able, Decimal(amount) if amount else None, panels=wiring.panels(self.gateways)
        )
        (payment,) = self.desk.payments()
        return self.shop.store.act(
            lambda books: refunding.begin(books, payment.id, WORD, clock.now(), asked)
        )

    def work(self) -> None:
        while refunds.refund_next(self.shop.store, self.gateways):
            pass
        self.shop.settle()

    def state(self, refund: RefundRow) -> str:
        with self.shop.store.transaction() as books:
            return refunding.get(books, refund.id).state

    def gone(self) -> tuple[int, int]:
        """What went back by the books, and what is reserved."""
        ((returned, reserved),) = self.desk.query(
            "SELECT returned_minor, reserved_minor FROM payments"
        )
        return returned, reserved

    def shown(self, kind: str) -> list[str]:
        return [subject for found, subject in self.desk.attention() if found == kind]


@pytest.fixture
def account() -> Iterator[Account]:
    with mobilpay_server.serving() as account:
        yield account


@pytest.fixture
def till(
    store: Store, fresh_dsn: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Till]:
    monkeypatch.setattr(Nudges, "send", lambda self, ids: None)
    pass_time(monkeypatch, timedelta(seconds=1))
    soap = MobilPaySoap(account.url, USER, PASSWORD, seal.SIGNATURE)
    gateway = seal.a_mobilpay(soap=soap)
    shop = Shop(Desk(store), gateway)
    attempt = shop.attempt(shop.desk.open())
    account.orders[attempt.order_id] = Decimal("121")
    app = Webhooks({gateway.name: gateway}, fresh_dsn, a_celery(NOWHERE))
    with serving(app) as door:
        till = Till(shop, door, account, attempt)
        till.tell()
        shop.settle()
        yield till


def moment(**off: int) -> str:
    """A moment near now, as MobilPay writes it."""
    return (clock.now() + timedelta(**off)).astimezone(seal.ZONE).strftime("%Y%m%d%H%M%S")


def test_parts_go_back_by_their_answers_and_their_notices_change_nothing(till: Till):
    first = till.give_back("20.10")
    till.work()
    second = till.give_back()
    till.work()
    booked = till.desk.postings()

    at = moment()
    till.credit("20.10", at)
    till.credit("20.10", at)
    till.credit("100.90")
    till.work()

    assert till.account.credits == {till.attempt.order_id: [Decimal("20.10"), Decimal("100.90")]}
    assert [till.state(each) for each in (first, second)] == ["done", "done"]
    assert till.gone() == (12_100, 0)
    assert till.desk.postings() == booked
    assert till.desk.attention() == [("refunded", "invoice:1")]
    assert till.desk.differences() == []


def test_a_notice_before_the_answer_ends_the_refund_and_the_answer_changes_nothing(till: Till):
    def told() -> None:
        till.credit("21.00")
        till.shop.settle()

    till.account.whenever = told
    begun = till.give_back("21.00")

    till.work()

    assert (till.state(begun), till.gone()) == ("done", (2_100, 0))
    assert till.desk.query("SELECT item FROM facts WHERE move = 'out'") == [(f"refund:{begun.id}",)]
    assert till.desk.attention() == [("refunded", "invoice:1")]
    assert till.desk.differences() == []


def test_two_of_the_same_amount_go_back_twice_and_a_third_notice_is_for_a_person(till: Till):
    refunded = [till.give_back("21.00")]
    till.work()
    refunded.append(till.give_back("21.00"))
    till.work()

    first, second = moment(minutes=1), moment(minutes=2)
    for at in (first, second, second):
        till.credit("21.00", at)
        till.work()
    quiet = till.shown("fact_disagrees")
    till.credit("21.00", moment(minutes=3))
    till.work()

    assert [till.state(each) for each in refunded] == ["done", "done"]
    assert till.gone() == (4_200, 0)
    assert quiet == []
    assert len(till.shown("fact_disagrees")) == 1
    assert till.desk.differences() == []


def test_what_the_panel_gave_back_before_is_no_refund_of_ours(till: Till):
    before = moment(days=-2)
    till.credit("21.00", before)
    till.work()
    begun = till.give_back("21.00")
    till.work()
    till.credit("21.00")
    till.credit("21.00", before)
    till.work()

    assert till.state(begun) == "done"
    assert till.gone() == (4_200, 0)
    assert till.shown("fact_disagrees") == []
    assert till.desk.differences() == []


def test_what_the_panel_gives_back_while_ours_still_waits_is_another(till: Till):
    begun = till.give_back("21.00")
    till.credit("21.00")
    till.shop.settle()
    waiting = till.state(begun), till.gone()

    till.work()

    assert waiting == ("open", (2_100, 2_100))
    assert (till.state(begun), till.gone()) == ("done", (4_200, 0))
    assert till.desk.differences() == []


@pytest.mark.parametrize("trouble", ["lost", "silence", 500, "<html>", fault("99", "generic")])
def test_a_lost_answer_leaves_it_unknown_and_nobody_sends_it_twice(
    till: Till, monkeypatch: pytest.MonkeyPatch, trouble: int | str
):
    begun = till.give_back("21.00")
    till.account.troubles["credit"] = [trouble]
    till.work()
    for _ in range(3):
        pass_time(monkeypatch, timedelta(minutes=10))
        till.work()

    assert till.account.calls("credit") <= 1
    assert (till.state(begun), till.gone()) == ("unknown", (0, 2_100))
    assert till.desk.attention() == [("refund_failed", f"refund:{begun.id}")]
    assert till.desk.differences() == []


def test_the_notice_of_a_lost_refund_ends_it(till: Till):
    begun = till.give_back("21.00")
    till.account.troubles["credit"] = ["lost"]
    till.work()
    unknown = till.state(begun)

    till.credit("21.00")
    till.work()

    assert unknown == "unknown"
    assert (till.state(begun), till.gone()) == ("done", (2_100, 0))
    assert till.desk.attention() == [("refunded", "invoice:1")]
    assert till.desk.differences() == []


def test_a_notice_that_may_be_of_another_refund_does_not_end_a_lost_one(till: Till):
    known = till.give_back("21.00")
    till.work()
    lost = till.give_back("21.00")
    till.account.troubles["credit"] = ["silence"]
    till.work()

    till.credit("21.00", moment(minutes=1))
    till.credit("21.00", moment(minutes=2))
    till.work()

    assert [till.state(each) for each in (known, lost)] == ["done", "unknown"]
    assert till.gone() == (2_100, 2_100)
    assert len(till.shown("fact_disagrees")) == 1
    assert till.desk.differences() == []


@pytest.mark.parametrize("trouble", ["lost", "silence", 503, "<html>"])
def test_while_no_session_is_given_nothing_is_lost_and_it_goes_later(
    till: Till, monkeypatch: pytest.MonkeyPatch, trouble: int | str
):
    begun = till.give_back("21.00")
    till.account.troubles["logIn"] = [trouble, trouble]
    for minutes in (0, 10, 20):
        pass_time(monkeypatch, timedelta(minutes=minutes))
        till.work()

    assert till.account.calls("credit") == 1
    assert (till.state(begun), till.gone()) == ("done", (2_100, 0))
    assert till.shown("refund_failed") == []


def test_a_wrong_password_is_shown_and_nothing_is_lost(till: Till, monkeypatch: pytest.MonkeyPatch):
    right = till.shop.gateway
    soap = MobilPaySoap(till.account.url, USER, "wrong", seal.SIGNATURE)
    till.shop = Shop(till.desk, seal.a_mobilpay(soap=soap))
    begun = till.give_back("21.00")
    till.work()
    shown = till.shown("refund_failed")
    till.shop = Shop(till.desk, right)
    pass_time(monkeypatch, timedelta(minutes=5))

    till.work()

    assert shown == [f"refund:{begun.id}"]
    assert till.shown("refund_failed") == []
    assert (till.state(begun), till.gone()) == ("done", (2_100, 0))


def dies_before_the_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(refunds, "_send", _die)


def dies_with_a_session(patch: pytest.MonkeyPatch) -> None:
    genuine = MobilPaySoap._session

    def session(self: MobilPaySoap) -> str:
        genuine(self)
        raise Killed

    patch.setattr(MobilPaySoap, "_session", session)


def dies_when_the_money_went(patch: pytest.MonkeyPatch) -> None:
    genuine = MobilPay.refund

    def refund(self: MobilPay, repayment: Repayment) -> Taken:
        genuine(self, repayment)
        raise Killed

    patch.setattr(MobilPay, "refund", refund)


def dies_before_it_is_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "sent", _die)


def dies_while_it_is_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "_say", _die)


def _die(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("is_told", [False, True], ids=["untold", "told"])
@pytest.mark.parametrize(
    ("die", "has_gone"),
    [
        (dies_before_the_call, False),
        (dies_with_a_session, False),
        (dies_when_the_money_went, True),
        (dies_before_it_is_written, True),
        (dies_while_it_is_written, True),
    ],
)
def test_dying_anywhere_gives_back_at_most_once_and_says_so(
    till: Till, monkeypatch: pytest.MonkeyPatch, die: object, has_gone: bool, is_told: bool
):
    begun = till.give_back("21.00")
    with monkeypatch.context() as dying:
        die(dying)  # type: ignore[operator]
        with pytest.raises(Killed):
            till.work()
    if has_gone and is_told:
        till.credit("21.00")
        till.shop.settle()
    pass_time(monkeypatch, timedelta(minutes=2))

    till.work()

    assert till.account.calls("credit") == has_gone
    ends = ("done", (2_100, 0)) if has_gone and is_told else ("unknown", (0, 2_100))
    assert (till.state(begun), till.gone()) == ends
    assert till.shown("refund_failed") == ([] if ends[0] == "done" else [f"refund:{begun.id}"])
    assert till.desk.differences() == []


def test_of_two_who_give_the_whole_back_one_does(till: Till):
    def give(_: int) -> bool:
        try:
            till.give_back()
        except Refused as refusal:
            return refusal.code != "nothing_to_refund"
        return True

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(give, range(8)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: till.work(), range(4)))

    assert said.count(True) == 1
    assert till.account.credits == {till.attempt.order_id: [Decimal("121.00")]}
    assert till.gone() == (12_100, 0)
    assert till.desk.differences() == []


def test_what_mobilpay_refuses_is_free_again(till: Till):
    till.account.credits[till.attempt.order_id] = [Decimal("121")]
    begun = till.give_back()

    till.work()

    assert (till.state(begun), till.gone()) == ("failed", (0, 0))
    assert till.shown("refund_failed") == [f"refund:{begun.id}"]
    assert till.desk.differences() == []


def test_without_a_user_of_the_panel_nothing_is_reserved(till: Till):
    till.shop = Shop(till.desk, seal.a_mobilpay())

    with pytest.raises(Refused, match=r"admin\.netopia-payments\.com, under Orders") as refusal:
        till.give_back()

    assert refusal.value.code == "unsupported"
    assert (till.gone(), till.desk.query("SELECT id FROM refunds")) == ((0, 0), [])


def test_a_person_says_that_a_second_one_of_the_same_amount_went(till: Till):
    till.credit("21.00", moment(minutes=1))
    till.work()
    till.credit("21.00", moment(minutes=2))
    till.work()
    ((event,),) = till.desk.query(
        "SELECT substr(subject, 7)::bigint FROM attention WHERE kind = 'fact_disagrees'"
    )
    (payment,) = till.desk.payments()
    said = telling.Returned(Decimal("21.00"), event)

    for _ in range(2):
        till.shop.store.act(lambda books: telling.returned(books, payment.id, said, WORD))

    assert till.gone() == (4_200, 0)
    assert till.desk.attention() == [("refunded", "invoice:1")]
    assert till.desk.differences() == []


def replay(till: Till) -> None:
    rows = till.desk.query("SELECT id FROM inbox WHERE source <> 'word'")
    with till.shop.store.transaction() as books:
        assert replaying.put_back(books, [id_ for (id_,) in rows], "ana", "again")
    till.work()


def test_what_was_told_at_three_instants_in_any_order_is_asked_about_twice(till: Till):
    for minute in (3, 1, 2):
        till.credit("21.00", moment(minutes=minute))
        till.work()
    asked = till.shown("fact_disagrees")

    replay(till)

    assert len(asked) == 2
    assert till.shown("fact_disagrees") == asked
    assert till.gone() == (2_100, 0)
    assert till.desk.differences() == []


def test_what_a_person_has_answered_is_not_asked_again(till: Till):
    for minute in (1, 2):
        till.credit("21.00", moment(minutes=minute))
        till.work()
    (asked,) = till.shown("fact_disagrees")
    (payment,) = till.desk.payments()
    said = telling.Returned(Decimal("21.00"), int(asked.removeprefix("event:")))
    till.shop.store.act(lambda books: telling.returned(books, payment.id, said, WORD))

    replay(till)

    assert till.desk.attention() == [("refunded", "invoice:1")]
    assert till.gone() == (4_200, 0)
    assert till.desk.differences() == []


def test_a_lost_one_that_a_person_says_went_is_not_booked_again_by_its_notice(till: Till):
    begun = till.give_back("21.00")
    till.account.troubles["credit"] = ["lost"]
    till.work()
    nameless = wiring.without_names(till.gateways)

    till.shop.store.act(lambda books: telling.went(books, begun.id, WORD, nameless))
    till.credit("21.00")
    till.work()

    assert (till.state(begun), till.gone()) == ("done", (2_100, 0))
    assert till.desk.attention() == [("refunded", "invoice:1")]
    assert till.desk.differences() == []
