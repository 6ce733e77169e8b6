"""What MobilPay never told is shown to a person, once, for as long as it matters."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain.attention import AttentionKind
from gateways.mobilpay import MobilPay
from ledger.books import attention
from ledger.links import attempting
from ledger.links.attempting import Attempt
from ledger.settlement import silent
from ledger.store import Store
from runtime import wiring
from runtime.settings import settings
from tests import mobilpay_seal as seal
from tests.desk import Desk
from tests.serving import serving
from tests.webhooks.knocking import a_celery
from tests.webhooks.mobilpay import Shop, post
from tests.workers.test_gaps import pass_time
from webhooks.app import Webhooks
from workers import gaps
from workers.nudges import Nudges

A_DAY = timedelta(days=1, minutes=1)
SILENT = ("attempt_silent", "attempt:1")


@pytest.fixture
def shop(store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """This process is a worker that has MobilPay alone."""
    monkeypatch.setattr(Nudges, "send", lambda self, ids: None)
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRETS")
    for name, value in {
        "MOBILPAY_SIGNATURE": seal.SIGNATURE,
        "MOBILPAY_PRIVATE_KEY": seal.pem("ours"),
        "MOBILPAY_PUBLIC_CERT": seal.certificate("theirs"),
        "MOBILPAY_URL": seal.PAGE_URL,
        "SECRET_KEY": seal.SECRET_KEY.decode(),
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    wiring.gateways.cache_clear()
    gateway = wiring.gateways()["mobilpay"]
    assert isinstance(gateway, MobilPay)
    return Shop(desk, gateway)


@pytest.fixture
def door(shop: Shop, fresh_dsn: str) -> Iterator[str]:
    celery = a_celery("redis+socket:///nowhere/redis.sock")
    with serving(Webhooks({"mobilpay": shop.gateway}, fresh_dsn, celery)) as door:
        yield door


def begun(shop: Shop, client: int | None = None) -> Attempt:
    """A customer who was sent to MobilPay's page."""
    attempt = shop.attempt(client or shop.desk.open())
    with shop.store.transaction() as books:
        assert attempting.opened(books, attempt.id, attempt.order_id, "/orders/1")
    return attempt


def test_an_attempt_of_yesterday_is_shown_once(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    attempt = begun(shop)
    pass_time(monkeypatch, timedelta(hours=23))
    gaps.find_gaps()
    early = shop.desk.attention()
    pass_time(monkeypatch, A_DAY)

    for _ in range(3):
        gaps.find_gaps()

    assert (early, shop.desk.attention()) == ([], [SILENT])
    ((currency, minor, detail),) = shop.desk.query(
        "SELECT currency, amount_minor, detail FROM attention"
    )
    assert (currency, minor) == ("RON", attempt.money.minor)
    assert attempt.order_id in detail
    assert shop.desk.differences() == []


def test_two_who_look_at_once_show_it_once(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    begun(shop)
    pass_time(monkeypatch, A_DAY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: gaps.find_gaps(), range(8)))

    assert shop.desk.query("SELECT count(*) FROM attention") == [(1,)]


@pytest.mark.parametrize(
    ("changes", "is_shown"),
    [
        ({}, False),
        ({"code": "20"}, True),
        ({"action": "canceled"}, False),
        ({"action": "paid_pending"}, True),
        ({"action": "paid"}, True),
    ],
    ids=str,
)
def test_the_notice_that_ends_it_closes_what_was_shown(
    shop: Shop,
    door: str,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    is_shown: bool,
):
    attempt = begun(shop)
    pass_time(monkeypatch, A_DAY)
    gaps.find_gaps()
    shown = shop.desk.attention()
    post(door, attempt, **changes)
    shop.settle()

    gaps.find_gaps()

    assert shown == [SILENT]
    assert shop.desk.attention() == ([SILENT] if is_shown else [])
    assert shop.desk.query("SELECT count(*) FROM attention") == [(1,)]


def test_what_was_told_in_time_is_never_shown(
    shop: Shop, door: str, monkeypatch: pytest.MonkeyPatch
):
    post(door, begun(shop))
    shop.settle()
    pass_time(monkeypatch, A_DAY)

    gaps.find_gaps()

    assert shop.desk.query("SELECT count(*) FROM attention") == [(0,)]


def test_an_invoice_that_is_paid_otherwise_closes_what_was_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    begun(shop)
    pass_time(monkeypatch, A_DAY)
    gaps.find_gaps()
    shop.desk.write_off(1)

    gaps.find_gaps()
    closed = shop.desk.attention()
    shop.desk.undo_write_off(1)
    gaps.find_gaps()

    assert closed == []
    assert shop.desk.attention() == []


def test_what_a_person_has_looked_at_is_not_shown_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    begun(shop)
    pass_time(monkeypatch, A_DAY)
    gaps.find_gaps()
    with shop.store.transaction() as books:
        attention.resolve_by_id(books, 1, "ana", "not paid")

    gaps.find_gaps()

    assert shop.desk.attention() == []


def test_whoever_was_never_sent_to_the_page_or_came_a_month_ago_is_not_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    client = shop.desk.open()
    shop.attempt(client)
    begun(shop, client)
    pass_time(monkeypatch, silent.OLDEST)

    gaps.find_gaps()

    assert shop.desk.attention() == []


def test_they_come_last_and_alone_when_asked_for(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    client = shop.desk.open()
    for _ in range(2):
        begun(shop, client)
    pass_time(monkeypatch, A_DAY)
    gaps.find_gaps()
    with shop.store.transaction() as books:
        books.run("INSERT INTO attention (kind, subject) VALUES ('loss', 'payment:9')")

    with shop.store.snapshot() as books:
        everything = attention.open_rows(books, 2)
        silent_ones = attention.open_rows(books, 9, AttentionKind.ATTEMPT_SILENT)

    assert [row.kind for row in everything] == ["loss", "attempt_silent"]
    assert [row.subject for row in silent_ones] == ["attempt:1", "attempt:2"]
