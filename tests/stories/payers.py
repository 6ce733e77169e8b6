"""Customers with links to their invoices, and what is known of their orders on both sides."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from ledger.links import granting
from ledger.links.granting import Target, Terms
from runtime import clock
from runtime.hosted import Hosted
from sandbox.running import Running
from tests.desk import Desk
from tests.stories.plant import SECRET_KEY, Plant

# Told to every web of a story: what a gateway is told depends on it.
BASE_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice, over 24.20 where nothing else is said, with the path of its link."""

    invoice_id: int
    number: str
    link_id: int
    path: str

    @property
    def about(self) -> str:
        """With what the names of its attempts begin."""
        return f"{self.number}-"


@dataclass(slots=True)
class Payers:
    """They share a browser that follows no redirect."""

    plant: Plant
    desk: Desk
    sandbox: Running
    browser: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))

    def bill(self, currency: str = "EUR", price: str = "20") -> Bill:
        invoice = self.desk.invoice(self.desk.client(), price, currency)
        hosted = Hosted({}, SECRET_KEY, BASE_URL)
        granted = self.desk.store.act(
            lambda books: granting.grant(
                books,
                Target(invoice.client_id, invoice.id),
                Terms(),
                hosted.secret,
                "test",
                clock.now(),
            )
        )
        path = urlsplit(hosted.address(granted.token)).path
        assert invoice.number is not None
        return Bill(invoice.id, invoice.number, granted.link.id, path)

    def click(self, bill: Bill, gateway: str, web: str) -> httpx.Response:
        """What this web process answers to the gateway's button; TransportError if it dies."""
        address = f"http://127.0.0.1:{self.plant.doors[web]}{bill.path}"
        return self.browser.post(address, data={"gateway": gateway})

    def opened(self, bill: Bill, gateway: str) -> list[str]:
        """The ids of all sessions or orders that the gateway has for this bill."""
        if gateway == "stripe":
            return self.sandbox.ask(
                lambda world: [
                    id_
                    for id_, session in world.stripe.objects["checkout.session"].items()
                    if session["client_reference_id"].startswith(bill.about)
                ]
            )
        return self.sandbox.ask(
            lambda world: [
                order.id
                for order in world.paypal.orders.values()
                if order.unit["invoice_id"].startswith(bill.about)
            ]
        )

    def pay(self, gateway: str, id_: str) -> None:
        """The button on the gateway's own page."""
        page = f"stripe/pay/{id_}" if gateway == "stripe" else f"paypal/checkoutnow/{id_}"
        answer = self.browser.post(f"{self.sandbox.url}/{page}/pay")
        assert answer.status_code == 303, answer.text
