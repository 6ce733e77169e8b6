"""What NETOPIA never told is found by asking how every attempt stands, and asked less and less."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from domain.invoices import Standing
from domain.money import Money
from ledger.settlement import gaps
from ledger.store import Store
from runtime import clock, wiring
from runtime.settings import settings
from tests import netopia_server
from tests.desk import Desk
from tests.gateways.test_netopia_api import an_order
from tests.netopia_seal import POS, a_pen
from tests.netopia_server import Account
from tests.workers.netopia import ACCOUNT, Post, notice, opened
from workers import gaps as gap_finder

SOON, LATER = timedelta(minutes=16), timedelta(hours=3)


@pytest.fixture
def account() -> Iterator[Account]:
    with netopia_server.serving() as account:
        yield account


@pytest.fixture
def post(
    store: Store, fresh_dsn: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Post]:
    wire(monkeypatch, NETOPIA_API_KEY=netopia_server.KEY, NETOPIA_API_BASE=account.url)
    with opened(store, fresh_dsn, wiring.gateways()["netopia"]) as post:
        yield post


def wire(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """This process is a worker that has NETOPIA."""
    told = {"NETOPIA_POS_SIGNATURE": POS, "NETOPIA_PUBLIC_KEY": a_pen().pem, **more}
    told |= {"NETOPIA_API_BASE": told.get("NETOPIA_API_BASE", "http://127.0.0.1:9")}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    wiring.gateways.cache_clear()


@pytest.fixture
def invoice(post: Post, desk: Desk) -> Standing:
    """An invoice whose page is open at NETOPIA."""
    invoice = desk.invoice(desk.open())
    order_id = f"{invoice.number}-1"
    gateway = post.gateways["netopia"]
    owed = Money("RON", invoice.open_minor)
    session = gateway.hosted_link(an_order(order_id=order_id, money=owed))
    post.attempt(invoice.id, order_id, session.id)
    return invoice


def pass_time(monkeypatch: pytest.MonkeyPatch, span: timedelta) -> None:
    """Moves our clock on; the errands' due times are of the database's, hence long past."""
    now: datetime = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + span)


def asked(account: Account) -> int:
    return sum(path == "/operation/status" for path, _ in account.asked)


def find(post: Post) -> None:
    gap_finder.find_gaps()
    post.work()


def test_money_that_nobody_told_of_is_found(
    post: Post, desk: Desk, invoice: Standing, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.move("1500001", 3)

    find(post)
    assert asked(account) == 0, "it may still be told"
    pass_time(monkeypatch, SOON)
    find(post)

    assert not desk.standing(invoice.id).is_open
    assert (post.attempts(), desk.attention()) == (["succeeded"], [])
    assert post.events() == [("lookup", "lookup", "done")]
    assert desk.differences() == []


def test_what_is_found_and_told_after_all_is_one_payment(
    post: Post, desk: Desk, invoice: Standing, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.move("1500001", 3)
    pass_time(monkeypatch, SOON)
    find(post)

    post.bring(notice(f"{invoice.number}-1", ntp_id="1500001"))
    pass_time(monkeypatch, LATER)
    find(post)

    assert [payment.amount_minor for payment in desk.payments()] == [12100]
    assert asked(account) == 1
    assert desk.attention() == []


def test_a_page_that_nobody_pays_at_is_asked_about_less_and_less(
    post: Post, desk: Desk, invoice: Standing, account: Account, monkeypatch: pytest.MonkeyPatch
):
    start = clock.now()
    moments = []
    for quarter in range(1, 24 * 4 * 9):
        now = start + timedelta(minutes=15 * quarter + 1)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        with desk.store.transaction() as books:
            planned = gaps.plan(books, "netopia", ACCOUNT, now)
            if planned:
                moments.append(now - start)
                # As answered at once; the database's own clock stands still meanwhile.
                books.run(
                    "UPDATE outbox SET state = 'done', created_at = :now WHERE state = 'waiting'",
                    now=now,
                )

    pauses = [after - before for before, after in pairwise(moments)]
    assert moments[0] < timedelta(minutes=20)
    assert pauses == sorted(pauses)
    assert pauses[0] <= timedelta(minutes=75)
    assert 8 <= len(moments) <= 20
    assert timedelta(days=4) < moments[-1] < gaps.OLDEST


def test_one_that_is_pending_is_asked_about_until_it_is_not(
    post: Post, desk: Desk, invoice: Standing, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.move("1500001", 14)
    pass_time(monkeypatch, SOON)
    find(post)
    assert post.attempts() == ["pending"]

    account.move("1500001", 12)
    pass_time(monkeypatch, timedelta(minutes=5))
    post.work()
    assert desk.query("SELECT state FROM outbox") == [("done",)]
    pass_time(monkeypatch, timedelta(days=30))
    find(post)

    assert post.attempts() == ["failed"]
    pass_time(monkeypatch, timedelta(days=60))
    find(post)
    assert asked(account) == 2


def test_what_netopia_does_not_decide_within_a_week_is_shown_until_it_does(
    post: Post, desk: Desk, invoice: Standing, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.move("1500001", 15)
    seen = []
    for span in (SOON, timedelta(days=6), timedelta(days=2), timedelta(days=1)):
        pass_time(monkeypatch, span)
        find(post)
        find(post)
        seen.append([shown for shown in desk.attention() if shown[0] == "attempt_silent"])
    ((detail,),) = desk.query("SELECT detail FROM attention WHERE kind = 'attempt_silent'")
    post.bring(notice(f"{invoice.number}-1", ntp_id="1500001"))
    find(post)

    assert seen == [[], [], *[[("attempt_silent", "attempt:1")]] * 2]
    assert detail == f"the gateway has not decided about order {invoice.number}-1"
    assert desk.attention() == []


def test_a_page_that_we_have_ended_is_asked_about_too(
    post: Post, desk: Desk, invoice: Standing, account: Account, monkeypatch: pytest.MonkeyPatch
):
    """NETOPIA closes no page by request: somebody may have paid there all the same."""
    with desk.store.transaction() as books:
        books.run("UPDATE attempts SET state = 'expired'")
    account.move("1500001", 5)
    pass_time(monkeypatch, SOON)

    find(post)

    assert not desk.standing(invoice.id).is_open


def test_money_without_a_moment_is_asked_for_and_booked(
    post: Post, desk: Desk, invoice: Standing, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.move("1500001", 3)
    account.has_moment = False
    pass_time(monkeypatch, timedelta(seconds=2))

    post.bring(notice(f"{invoice.number}-1", ntp_id="1500001", operationDate=""))

    assert post.events() == [("webhook", "paid", "done"), ("lookup", "lookup", "done")]
    assert not desk.standing(invoice.id).is_open
    assert desk.attention() == []


def test_while_netopia_is_away_nothing_is_given_up(
    post: Post, desk: Desk, invoice: Standing, account: Account, monkeypatch: pytest.MonkeyPatch
):
    account.move("1500001", 3)
    account.troubles += [503, "silence", "lost"]
    for minutes in (16, 30, 60, 120):
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda now=now, m=minutes: now + timedelta(minutes=m))
        find(post)

    assert account.troubles == []
    assert not desk.standing(invoice.id).is_open


def test_an_attempt_without_a_page_is_not_asked_about(
    post: Post, desk: Desk, account: Account, monkeypatch: pytest.MonkeyPatch
):
    """Nobody was shown one, so nobody can have paid."""
    invoice = desk.invoice(desk.open())
    post.attempt(invoice.id, f"{invoice.number}-1")
    pass_time(monkeypatch, SOON)

    find(post)

    assert account.asked == []


def test_a_gateway_that_cannot_be_asked_is_left_alone(
    store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    wire(monkeypatch)
    invoice = desk.invoice(desk.open())
    Post(desk, "", wiring.gateways()).attempt(invoice.id, f"{invoice.number}-1", "1500001")
    pass_time(monkeypatch, SOON)

    gap_finder.find_gaps()

    assert desk.query("SELECT count(*) FROM outbox") == [(0,)]
