"""A customer at a hosted link: the pages on a real port, and Stripe's API behind a loopback one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from domain.invoices import Standing
from gateways.port import Gateway
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from ledger.links import granting
from ledger.links.granting import Target, Terms
from ledger.store import Store
from runtime.hosted import Hosted
from tests import stripe_server
from tests.builders import ZONE
from tests.desk import Desk
from tests.serving import serving
from tests.stripe_server import Account
from tests.web.conftest import NOW, SECRET_KEY
from web.app import over


@dataclass(slots=True)
class Site:
    """The pages with what stands behind them; `browser` follows no redirect and keeps nothing."""

    desk: Desk
    store: Store
    account: Account
    browser: httpx.Client
    hosted: Hosted

    def link(self, invoice: Standing, **terms: object) -> str:
        """The path of the link to an invoice."""
        return self.granted(Target(invoice.client_id, invoice.id), **terms)

    def granted(self, target: Target, **terms: object) -> str:
        granted = self.store.act(
            lambda books: granting.grant(
                books,
                target,
                Terms(**terms),  # type: ignore[arg-type]
                self.hosted.secret,
                "test",
                NOW,
            )
        )
        return urlsplit(self.hosted.address(granted.token)).path

    def page(self, path: str, **asked: str) -> str:
        answer = self.browser.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.text

    def click(self, path: str, **form: object) -> httpx.Response:
        """The answer to the button of a gateway, Stripe's unless another one is named."""
        return self.browser.post(path, data={"gateway": "stripe"} | form)

    def pressed(self, path: str, **form: object) -> str:
        """Where the customer is sent."""
        answer = self.click(path, **form)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def states(self) -> list[tuple[str, str]]:
        return self.desk.query("SELECT order_id, state FROM attempts ORDER BY id")


def a_stripe(account: Account) -> Stripe:
    return Stripe("own", ("whsec",), is_live=False, api=StripeApi("sk_test_x", account.url))


@contextmanager
def opened(store: Store, tag: str = "", *more: Gateway) -> Iterator[Site]:
    """The site over a database; `tag` tells its sessions from those of another site.

    `more` gateways take money there beside Stripe.
    """
    with stripe_server.serving() as account:
        account.tag = tag
        gateways: dict[str, Gateway] = {"stripe": a_stripe(account)}
        gateways |= {gateway.name: gateway for gateway in more}
        hosted = Hosted(gateways, SECRET_KEY, "http://127.0.0.1:1")
        with (
            serving(over(store, ZONE, lambda: NOW, hosted)) as address,
            httpx.Client(base_url=address, timeout=30) as browser,
        ):
            yield Site(Desk(store), store, account, browser, hosted)


def buttons(html: str) -> list[str]:
    """The gateways that a page offers."""
    return re.findall(r'<button name="gateway" value="([a-z]+)"', html)


def said(html: str) -> str | None:
    """The state that a page tells, by its name."""
    found = re.search(r'class="said ([a-z]+)"', html)
    return found[1] if found else None
