"""A click leads to one page of the gateway, which asks for just what is owed."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.parse import urlsplit

import httpx

from domain.money import Money, decimal_text
from gateways.capabilities import Verb
from tests.contract.far_side import Act, Asked
from tests.contract.shops import Shop
from tests.web.paying import buttons

_CLICKS = 20


def test_twenty_clicks_at_once_open_one_page_that_asks_for_what_is_owed(shop: Shop):
    link = shop.link(shop.bill())

    with ThreadPoolExecutor(_CLICKS) as pool:
        pages = set(pool.map(shop.click, [link] * _CLICKS))

    assert len(pages) == shop.far.pages() == 1
    assert shop.far.asks(pages.pop()) == Asked("121.00", shop.far.currency)
    assert shop.desk.query("SELECT count(*) FROM attempts") == [(1,)]


def test_a_page_of_ours_leads_on_where_the_gateway_has_a_form_and_back_where_it_has_none(
    shop: Shop,
):
    link = shop.link(shop.bill())
    shop.click(link)
    ((attempt,),) = shop.desk.query("SELECT id FROM attempts")

    answer = shop.browser.get(f"{link}/orders/{attempt}")

    if shop.far.gateway.capabilities.can(Verb.FORM):
        assert (answer.status_code, 'name="data"' in answer.text) == (200, True)
    else:
        back = urlsplit(answer.headers["location"]).path
        assert (answer.status_code, back) == (303, urlsplit(link).path)


def test_each_invoice_has_a_page_of_its_own(shop: Shop):
    prices = ("10", "1.67", "9876.54")

    pages = [shop.page(shop.bill(price)) for price in prices]

    assert len(set(pages)) == shop.far.pages() == len(prices)
    asked = [shop.far.asks(page) for page in pages]
    totals = [Money(shop.far.currency, minor) for (minor,) in shop.desk.query(_TOTALS)]
    assert asked == [Asked(decimal_text(total), total.currency) for total in totals]


def test_after_a_part_was_given_back_a_new_page_asks_for_that_part_if_it_was_told(shop: Shop):
    invoice = shop.bill()
    link = shop.link(invoice)
    first = shop.click(link)
    shop.far.act(first, Act.PAY)
    shop.hear()
    shop.far.act(first, Act.REFUND, Decimal("40.00"))
    shop.hear()

    if shop.far.gateway.capabilities.tells_refunds:
        second = shop.click(link)
        assert second != first
        assert shop.far.asks(second) == Asked("40.00", shop.far.currency)
        shop.far.act(second, Act.PAY)
        shop.hear()
    else:
        back = urlsplit(shop.click(link))
        assert (back.path, shop.far.pages()) == (urlsplit(link).path, 1)
        assert shop.attention() == {"refund_untold"}
    assert not shop.desk.standing(invoice.id).is_open
    shop.assert_level()


def test_after_a_decline_a_click_still_leads_to_one_payment(shop: Shop):
    invoice = shop.bill()
    link = shop.link(invoice)
    shop.far.act(shop.click(link), Act.DECLINE)
    assert shop.hear()

    shop.far.act(shop.click(link), Act.PAY)
    shop.hear()

    assert len(shop.desk.payments()) == 1
    assert not shop.desk.standing(invoice.id).is_open
    shop.assert_level()


def test_a_currency_that_it_does_not_serve_is_not_offered(shop: Shop):
    link = shop.link(shop.bill(currency=shop.far.unserved))

    offered = buttons(shop.browser.get(link).text)
    refused = shop.browser.post(link, data={"gateway": shop.far.gateway.name})

    assert shop.far.gateway.serves(shop.far.currency)
    assert not shop.far.gateway.serves(shop.far.unserved)
    assert offered == []
    assert refused.status_code in (httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY)
    assert (shop.far.pages(), shop.far.calls()) == (0, 0)


_TOTALS = "SELECT total_minor FROM invoices ORDER BY id"
