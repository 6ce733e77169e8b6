"""A click on NETOPIA's button: one page, for just what is owed, though nobody can ask twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import TryLater
from ledger.links import showing
from ledger.links.attempting import Click
from ledger.store import Store
from runtime import clock
from tests import netopia_server
from tests.desk import Desk
from tests.netopia_server import Account
from tests.web import paying as site
from tests.web.paying import buttons
from tests.workers.netopia import a_netopia
from web.pay import paying
from web.pay.paying import Counter


@pytest.fixture
def account() -> Iterator[Account]:
    with netopia_server.serving() as account:
        yield account


@pytest.fixture
def page(store: Store, account: Account) -> Iterator[site.Site]:
    with site.opened(store, "", a_netopia(account.url)) as page:
        yield page


def test_twenty_clicks_at_once_open_one_page_for_what_is_owed(
    page: site.Site, desk: Desk, account: Account
):
    link = page.link(desk.invoice(desk.open()))

    with ThreadPoolExecutor(20) as hands:
        told = list(hands.map(lambda _: page.pressed(link, gateway="netopia"), range(20)))

    assert len(set(told)) == len(account.payments) == 1
    (payment,) = account.payments.values()
    assert (payment["amount"], payment["currency"]) == (Decimal("121.00"), "RON")
    assert page.states() == [("INV-0001-1", "open")]
    order = account.asked[0][1]["order"]
    assert (order["orderID"], order["data"]) == ("INV-0001-1", {"reference": "INV-0001"})


def test_lei_have_the_button_and_euros_have_not(page: site.Site, desk: Desk):
    client = desk.open()
    lei, euros = (page.link(desk.invoice(client, "100", each)) for each in ("RON", "EUR"))

    assert "netopia" in buttons(page.page(lei))
    assert "Card (NETOPIA)" in page.page(lei)
    assert "netopia" not in buttons(page.page(euros))
    assert page.click(euros, gateway="netopia").status_code == 409


def test_a_lost_answer_costs_a_minute_and_the_next_attempt(
    store: Store, desk: Desk, account: Account
):
    """NETOPIA never tells the page of an order again, and nobody was shown it."""
    with site.opened(store) as shown:
        token = shown.link(desk.invoice(desk.open())).rpartition("/")[2]
    gateway = a_netopia(account.url)

    def click(later: timedelta = timedelta(0)) -> str:
        now = clock.now() + later
        with store.transaction() as books:
            link = showing.find(books, token, now)
        assert link is not None
        counter = Counter(store, "https://pay.example/pay/x", lambda: now)
        wanted = Click(gateway.name, gateway.account, "ro", "RON")
        return paying.open_page(counter, gateway, link, wanted)

    account.troubles.append("lost")
    for later in (timedelta(0), timedelta(0), timedelta(minutes=2)):
        with pytest.raises(TryLater):
            click(later)
    url = click(timedelta(minutes=2))

    assert url.endswith("?p=1500002")
    assert click(timedelta(minutes=3)) == url
    assert desk.query("SELECT order_id, state, session FROM attempts ORDER BY id") == [
        ("INV-0001-1", "cancelled", None),
        ("INV-0001-2", "open", "1500002"),
    ]
