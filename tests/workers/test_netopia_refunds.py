"""Money given back through NETOPIA, which knows no call again and tells no amount afterwards."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from ledger.books import refunding
from ledger.books.refunding import Asked, RefundRow
from ledger.store import Store
from runtime import clock, wiring
from tests import netopia_server
from tests.desk import WORD, Desk
from tests.netopia_server import Account
from tests.workers.netopia import Post, a_netopia, notice, opened
from tests.workers.test_captures import Killed, pass_time
from workers import refunds
from workers.nudges import Nudges

NTP, ORDER = "1500001", "INV-0001-1"


@pytest.fixture
def account() -> Iterator[Account]:
    with netopia_server.serving() as account:
        yield account


@pytest.fixture
def post(
    store: Store, fresh_dsn: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Post]:
    monkeypatch.setattr(Nudges, "send", lambda self, ids: None)
    pass_time(monkeypatch, timedelta(seconds=1))
    with opened(store, fresh_dsn, a_netopia(account.url, netopia_server.KEY)) as post:
        yield post


@pytest.fixture
def payment(post: Post, desk: Desk, account: Account) -> int:
    """An invoice over 121 lei that was paid at NETOPIA."""
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, ORDER, NTP)
    told = {"ntpID": NTP, "orderID": ORDER, "amount": 121.0, "currency": "RON", "status": 3}
    account.payments[NTP] = told
    post.bring(notice(ORDER, ntp_id=NTP))
    return desk.payments()[0].id


def give_back(post: Post, payment: int, amount: str | None = None) -> RefundRow:
    able = wiring.able_to_refund(post.gateways)
    asked = Asked(able, Decimal(amount) if amount else None)
    return post.desk.store.act(
        lambda books: refunding.begin(books, payment, WORD, clock.now(), asked)
    )


def send(post: Post) -> None:
    while refunds.refund_next(post.desk.store, post.gateways):
        pass
    post.work()


def told(post: Post, refund: RefundRow) -> RefundRow:
    with post.desk.store.transaction() as books:
        return refunding.get(books, refund.id)


def gone(desk: Desk) -> list[tuple[int, int]]:
    return desk.query("SELECT returned_minor, reserved_minor FROM payments")


def test_parts_go_back_by_their_answers_and_their_notices_change_nothing(
    post: Post, desk: Desk, account: Account, payment: int
):
    first = give_back(post, payment, "20.10")
    send(post)
    second = give_back(post, payment)
    send(post)
    booked = desk.postings()

    post.bring(notice(ORDER, 8, NTP), notice(ORDER, 8, NTP, operationDate="2026-11-21T10:00:00Z"))

    assert account.credits == {NTP: [Decimal("20.10"), Decimal("100.9")]}
    assert [told(post, each).state for each in (first, second)] == ["done", "done"]
    assert gone(desk) == [(12_100, 0)]
    assert desk.postings() == booked
    assert desk.attention() == [("refunded", "invoice:1")]
    assert desk.differences() == []


def test_a_notice_before_the_answer_is_kept_changes_nothing(
    post: Post, desk: Desk, account: Account, payment: int
):
    begun = give_back(post, payment, "21.00")
    post.bring(notice(ORDER, 8, NTP))

    send(post)

    assert (told(post, begun).state, gone(desk)) == ("done", [(2_100, 0)])
    assert ("refund_untold", "event:2") not in desk.attention()
    assert desk.differences() == []


def test_what_the_panel_gives_back_is_for_a_person(post: Post, desk: Desk, payment: int):
    post.bring(notice(ORDER, 8, NTP))

    assert desk.attention() == [("refund_untold", "event:2")]
    assert gone(desk) == [(0, 0)]


_APPROVED = '{"error":{"code":"00"},"payment":{"ntpID":"1500001","status":8%s}}'
_UNREADABLE = {
    "no code": '{"error":{},"payment":{"ntpID":"1500001","status":8,"amount":21.00}}',
    "no word": "{}",
    "other status": '{"error":{"code":"00"},"payment":{"ntpID":"1500001","status":3}}',
    "no amount": _APPROVED % "",
    "odd amount": _APPROVED % ',"amount":"some"',
    "too long": _APPROVED % f',"amount":21.00,"pad":"{"x" * 300_000}"',
}


@pytest.mark.parametrize(
    "trouble",
    ["lost", "silence", 500, "<html>", *(pytest.param(v, id=k) for k, v in _UNREADABLE.items())],
)
def test_a_lost_answer_leaves_it_unknown_and_nobody_sends_it_twice(
    post: Post,
    desk: Desk,
    account: Account,
    payment: int,
    monkeypatch: pytest.MonkeyPatch,
    trouble: int | str,
):
    begun = give_back(post, payment, "21.00")
    account.troubles = [trouble]
    send(post)
    for _ in range(3):
        pass_time(monkeypatch, timedelta(minutes=10))
        send(post)

    assert sum(path == "/operation/credit" for path, _ in account.asked) <= 1
    assert (told(post, begun).state, gone(desk)) == ("unknown", [(0, 2_100)])
    assert ("refund_failed", f"refund:{begun.id}") in desk.attention()
    assert desk.differences() == []


def test_dying_after_the_call_leaves_it_unknown(
    post: Post, desk: Desk, account: Account, payment: int, monkeypatch: pytest.MonkeyPatch
):
    begun = give_back(post, payment, "21.00")
    with monkeypatch.context() as dying:
        dying.setattr(refunds, "_sent", _die)
        with pytest.raises(Killed):
            send(post)
    pass_time(monkeypatch, timedelta(minutes=2))

    send(post)

    assert account.credits == {NTP: [Decimal("21")]}
    assert told(post, begun).state == "unknown"
    assert gone(desk) == [(0, 2_100)]


def _die(*_: object) -> None:
    raise Killed


def test_what_netopia_refuses_is_free_again(post: Post, desk: Desk, account: Account, payment: int):
    account.credits[NTP] = [Decimal("121")]
    begun = give_back(post, payment)

    send(post)

    assert (told(post, begun).state, gone(desk)) == ("failed", [(0, 0)])
    assert ("refund_failed", f"refund:{begun.id}") in desk.attention()
    assert desk.differences() == []


def test_an_approval_of_another_amount_has_given_nothing_back(
    post: Post, desk: Desk, account: Account, payment: int
):
    begun = give_back(post, payment, "21.00")
    account.troubles = [
        '{"error":{"code":"00"},"payment":{"ntpID":"1500001","status":8,"amount":121.00}}'
    ]

    send(post)

    assert (told(post, begun).state, gone(desk)) == ("failed", [(0, 0)])
    assert desk.differences() == []
