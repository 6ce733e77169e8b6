"""A customer with two pages of PayPal open: the replaced one takes nothing, and says so."""

from urllib.parse import urlsplit

import httpx

from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from ledger.store import Store
from runtime.hosted import Hosted
from tests import paypal_server
from tests.builders import ZONE
from tests.desk import Desk
from tests.paypal_seal import WEBHOOK_ID
from tests.paypal_server import CLIENT, MERCHANT, SECRET, Account
from tests.serving import serving
from tests.stripe_server import Account as Nobody
from tests.web.conftest import NOW, SECRET_KEY
from tests.web.paying import Site, buttons, said
from web.app import over


def back(account: Account, order: int) -> str:
    """The address that PayPal sends the customer of this order back to."""
    context = account.bodies[order]["payment_source"]["paypal"]["experience_context"]
    address = urlsplit(context["return_url"])
    return f"{address.path}?{address.query}&token=5O190127TN364710{order}&PayerID=P"


def test_who_comes_back_from_an_order_that_was_replaced_may_pay(store: Store):
    with paypal_server.serving() as account:
        api = PayPalApi(account.url, CLIENT, SECRET)
        certificates = Certificates(is_live=False)
        paypal = PayPal(MERCHANT, WEBHOOK_ID, certificates, is_live=False, api=api)
        hosted = Hosted({"paypal": paypal}, SECRET_KEY, "http://127.0.0.1:1")
        with (
            serving(over(store, ZONE, lambda: NOW, hosted)) as address,
            httpx.Client(base_url=address, timeout=30) as browser,
        ):
            desk = Desk(store)
            site = Site(desk, store, Nobody(), browser, hosted)
            path = site.link(desk.invoice(desk.open(), currency="EUR"))
            site.pressed(f"{path}?lang=en", gateway="paypal")
            site.pressed(f"{path}?lang=ro", gateway="paypal")

            replaced, newest = (browser.get(back(account, n)).text for n in range(2))
        vars(api)["_client"].close()

    assert [state for _, state in site.states()] == ["expired", "open"]
    assert (said(replaced), buttons(replaced)) == (None, ["paypal"])
    assert (said(newest), buttons(newest)) == ("processing", [])
    assert 'http-equiv="refresh"' not in replaced
