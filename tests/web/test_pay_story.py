"""From the link to the books and back, with the pretend Stripe: its pages, its signed webhooks."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from ledger.inbox import waiting
from ledger.links import granting
from ledger.links.granting import Target, Terms
from ledger.store import Store
from runtime import clock
from runtime.hosted import Hosted
from sandbox import running
from sandbox.options import Options
from sandbox.running import Running
from tests.builders import ZONE
from tests.desk import Desk
from tests.hostile.house import NOWHERE
from tests.serving import serving
from tests.web.conftest import SECRET_KEY
from tests.web.paying import buttons, said
from tests.webhooks.knocking import a_celery
from web.app import over
from webhooks.app import Webhooks
from workers import closings, events

SECRET = "whsec_sandbox"


@dataclass(slots=True)
class Story:
    """The seller's books, his pages, and a customer with a browser."""

    desk: Desk
    store: Store
    stripe: Stripe
    sandbox: Running
    browser: httpx.Client
    path: str

    def click(self) -> str:
        answer = self.browser.post(self.path, data={"gateway": "stripe"})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def press(self, session: str, button: str) -> httpx.Response:
        """The customer presses a button on Stripe's page; what it tells is settled."""
        answer = self.browser.post(f"{session}/{button}")
        self.sandbox.settle()
        while events.settle_next(self.store, {"stripe": self.stripe}, waiting.claim_fresh):
            pass
        return answer

    def said(self) -> tuple[str | None, str | None]:
        """What the page says, and what the page of return says."""
        page, back = (self.browser.get(f"{self.path}{end}").text for end in ("", "/return"))
        return said(page), said(back)

    def close_sessions(self) -> None:
        while closings.close_next(self.store, {"stripe": self.stripe}):
            pass


@pytest.fixture
def story(store: Store, fresh_dsn: str) -> Iterator[Story]:
    door = Webhooks(
        {"stripe": Stripe("own", (SECRET,), is_live=False)}, fresh_dsn, a_celery(NOWHERE)
    )
    desk = Desk(store)
    invoice = desk.invoice(desk.client())
    with serving(door) as address:
        options = Options(f"{address}/webhooks", settle_seconds=0.02, retry_scale=0.001)
        with running.beside(options) as sandbox:
            api = StripeApi("sk_test_sandbox", f"{sandbox.url}/stripe")
            stripe = Stripe("own", (SECRET,), is_live=False, api=api)
            hosted = Hosted({"stripe": stripe}, SECRET_KEY, "http://127.0.0.1:1")
            with store.transaction() as books:
                token = granting.grant(
                    books,
                    Target(invoice.client_id, invoice.id),
                    Terms(),
                    hosted.secret,
                    "test",
                    clock.now(),
                ).token
            path = urlsplit(hosted.address(token)).path
            app = over(store, ZONE, clock.now, hosted)
            with (
                serving(app) as site,
                httpx.Client(base_url=site, trust_env=False, timeout=30) as browser,
            ):
                yield Story(desk, store, stripe, sandbox, browser, path)


def test_a_customer_is_declined_then_pays_and_the_invoice_is_paid(story: Story):
    seen = [story.said()]
    first = story.click()

    story.press(first, "decline")
    seen.append(story.said())
    second = story.click()
    story.close_sessions()
    story.press(second, "pay")
    seen.append(story.said())

    assert seen == [(None, None), ("failed", "failed"), ("paid", "paid")]
    assert first != second
    assert not story.desk.standing(1).is_open
    assert [row.move for row in story.sandbox.rows("stripe")][:1] == ["in"]
    assert len([row for row in story.sandbox.rows("stripe") if row.move == "in"]) == 1
    assert story.desk.differences() == []


def test_money_on_its_way_is_shown_and_then_arrives(story: Story):
    session = story.click()

    story.press(session, "leave-pending")
    on_its_way = story.said(), buttons(story.browser.get(story.path).text)
    story.press(session, "complete-pending")

    assert on_its_way == (("processing", "processing"), [])
    assert story.said() == ("paid", "paid")
    assert not story.desk.standing(1).is_open
    assert story.desk.differences() == []


def test_what_is_written_off_can_no_longer_be_paid(story: Story):
    session = story.click()

    story.desk.write_off(1)
    story.close_sessions()
    story.press(session, "pay")

    assert story.said() == ("closed", "closed")
    assert story.sandbox.rows("stripe") == ()
    assert story.desk.query("SELECT state FROM attempts") == [("expired",)]
    assert story.desk.differences() == []


def test_lost_answers_open_one_session(story: Story):
    story.sandbox.turn("stripe", next=["error_after"])

    lost = story.browser.post(story.path, data={"gateway": "stripe"})
    story.click()

    assert lost.status_code == 503
    assert story.sandbox.counted("stripe")["error_after"] == 1
    sessions = story.sandbox.ask(lambda world: len(world.stripe.objects["checkout.session"]))
    assert sessions == 1
