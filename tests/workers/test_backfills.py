"""Backfills against the pretend gateways: nothing was delivered, and all of it is found."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from domain.errors import Refused, TryLater
from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from gateways.port import Gateway
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from ledger.inbox import waiting
from ledger.store import Store
from runtime import clock, wiring
from sandbox import running
from sandbox.options import Options
from sandbox.running import Running
from tests.desk import Desk
from tests.sandbox.customers import SECRETS, AtPaypal, AtStripe
from workers import backfills
from workers.events import settle_next
from workers.nudges import Nudges

_PAYMENTS = 7
_NOBODY = "http://127.0.0.1:9/webhooks"


@pytest.fixture
def sandbox() -> Iterator[Running]:
    """No webhook ever leaves it."""
    options = Options(_NOBODY, stripe_secrets=SECRETS, seed=7, settle_seconds=0.02)
    with running.beside(options) as sandbox:
        for name in ("stripe", "paypal"):
            sandbox.turn(name, drop=1.0)
        yield sandbox


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as browser:
        yield browser


@pytest.fixture
def stripe(sandbox: Running) -> Stripe:
    api = StripeApi("sk_test_sandbox", f"{sandbox.url}/stripe")
    return Stripe("own", SECRETS, is_live=False, api=api)


@pytest.fixture
def paypal(sandbox: Running) -> Iterator[PayPal]:
    told = sandbox.world.options
    api = PayPalApi(f"{sandbox.url}/paypal", told.paypal_client_id, told.paypal_client_secret)
    certificates = Certificates(is_live=False, hosts=(sandbox.url,))
    merchant, webhook = told.paypal_merchant_id, told.paypal_webhook_id
    yield PayPal(merchant, webhook, certificates, is_live=False, api=api)
    vars(api)["_client"].close()


def fill(store: Store, gateway: Gateway) -> backfills.Filled:
    now = clock.now()
    return backfills.fill(store, gateway, now - timedelta(hours=1), now + timedelta(seconds=1))


def settle(store: Store, gateway: Gateway) -> None:
    while settle_next(store, {gateway.name: gateway}, waiting.claim_fresh):
        pass


def test_what_stripe_never_delivered_is_booked_and_found_once(
    desk: Desk, store: Store, stripe: Stripe, sandbox: Running, browser: httpx.Client
):
    invoice = desk.invoice(desk.open(), "100")
    at_stripe = AtStripe(sandbox, browser)
    for _ in range(_PAYMENTS):
        at_stripe.paid(reference=str(invoice.number), minor=1_000)
    sandbox.settle()
    dropped = sandbox.counted("stripe")["dropped"]
    assert dropped >= 3 * _PAYMENTS

    filled = fill(store, stripe)
    settle(store, stripe)

    assert 3 * _PAYMENTS <= len(filled.fetched) <= dropped
    assert desk.query("SELECT DISTINCT source, state FROM inbox") == [("backfill", "done")]
    assert desk.standing(invoice.id).paid_minor == _PAYMENTS * 1_000
    assert fill(store, stripe).fetched == ()
    assert desk.differences() == []


def test_what_paypal_never_delivered_is_found_once_over_several_pages(
    desk: Desk, store: Store, paypal: PayPal, sandbox: Running, browser: httpx.Client
):
    at_paypal = AtPaypal(sandbox, browser)
    for number in range(40):
        at_paypal.captured(reference=f"NONE-{number}")
    there = sandbox.ask(lambda world: len(world.paypal.events))
    assert there > 100

    filled = fill(store, paypal)

    assert filled.listed == len(filled.fetched) == there
    assert desk.query("SELECT DISTINCT source, state FROM inbox") == [("backfill", "received")]
    assert fill(store, paypal).fetched == ()


def test_a_backfill_that_broke_off_goes_on_where_it_was(
    desk: Desk, store: Store, stripe: Stripe, sandbox: Running, browser: httpx.Client
):
    at_stripe = AtStripe(sandbox, browser)
    for _ in range(_PAYMENTS):
        at_stripe.paid(reference="NONE")
    sandbox.settle()
    sandbox.turn("stripe", error_before=0.1)
    kept = [0]

    while not _is_through(store, stripe):
        kept.append(len(desk.query("SELECT id FROM inbox")))

    assert len(kept) >= 2
    assert kept == sorted(kept)
    assert max(kept) > 0
    sandbox.turn("stripe", error_before=0.0)
    assert fill(store, stripe).fetched == ()
    assert len(desk.query("SELECT id FROM inbox")) >= 3 * _PAYMENTS


def _is_through(store: Store, gateway: Gateway) -> bool:
    try:
        fill(store, gateway)
    except TryLater:
        return False
    return True


def test_an_event_that_came_by_itself_is_not_fetched_and_one_that_comes_later_changes_nothing(
    desk: Desk, store: Store, stripe: Stripe, sandbox: Running, browser: httpx.Client
):
    invoice = desk.invoice(desk.open(), "100")
    AtStripe(sandbox, browser).paid(reference=str(invoice.number), minor=1_000)
    sandbox.settle()
    fill(store, stripe)
    settle(store, stripe)
    before = desk.postings()

    desk.query(
        "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256)"
        " SELECT gateway, account, replace(event_id, 'backfill:', ''), 'webhook', kind, raw,"
        " headers, sha256 FROM inbox RETURNING id"
    )
    settle(store, stripe)

    assert desk.postings() == before
    assert fill(store, stripe).fetched == ()
    assert desk.differences() == []


def test_a_gateway_of_which_nothing_comes_by_itself_is_attention_until_something_does(
    desk: Desk,
    store: Store,
    stripe: Stripe,
    sandbox: Running,
    browser: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(Nudges, "send", lambda self, ids: None)
    at_stripe = AtStripe(sandbox, browser)

    def look() -> list[tuple[str, str]]:
        with monkeypatch.context() as wired:
            wired.setattr(wiring, "gateways", lambda: {"stripe": stripe})
            backfills.run_backfills()
        return desk.attention()

    before = look()
    at_stripe.paid(reference="NONE")
    sandbox.settle()
    monkeypatch.setattr(clock, "now", lambda now=clock.now: now() + timedelta(minutes=20))
    silent, again = look(), look()
    desk.query(
        "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256)"
        " SELECT gateway, account, replace(event_id, 'backfill:', ''), 'webhook', kind, raw,"
        " headers, sha256 FROM inbox ORDER BY id DESC LIMIT 1 RETURNING id"
    )

    assert before == []
    assert silent == again == [("gateway_silent", "gateway:stripe")]
    assert look() == []


def _run(stripe: Stripe, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as wired:
        wired.setattr(wiring, "gateways", lambda: {"stripe": stripe})
        backfills.run_backfills()


def _away(*_: object) -> bytes:
    raise TryLater(timedelta(seconds=1), "the events themselves cannot be had")


def test_a_gateway_that_lists_and_gives_no_event_is_seen_to_be_silent(
    desk: Desk,
    stripe: Stripe,
    sandbox: Running,
    browser: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
):
    AtStripe(sandbox, browser).paid(reference="NONE")
    sandbox.settle()
    monkeypatch.setattr(clock, "now", lambda now=clock.now: now() + timedelta(minutes=20))
    monkeypatch.setattr(StripeApi, "event", _away)

    _run(stripe, monkeypatch)

    assert desk.attention() == [("gateway_silent", "gateway:stripe")]
    assert desk.query("SELECT id FROM inbox") == []


def test_an_event_that_cannot_be_had_keeps_no_other_one_back(
    desk: Desk,
    store: Store,
    stripe: Stripe,
    sandbox: Running,
    browser: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
):
    AtStripe(sandbox, browser).paid(reference="NONE")
    sandbox.settle()
    genuine = StripeApi.event
    refused: list[str] = []

    def event(self: StripeApi, event_id: str) -> bytes:
        if not refused or event_id in refused:
            refused.append(event_id)
            raise Refused("unknown_event", "gone")
        return genuine(self, event_id)

    monkeypatch.setattr(StripeApi, "event", event)
    first = fill(store, stripe)
    monkeypatch.setattr(StripeApi, "event", genuine)
    second = fill(store, stripe)

    assert len(first.fetched) >= 2
    assert len(refused) == len(second.fetched) == 1


def test_a_refused_key_ends_a_backfill(
    store: Store,
    stripe: Stripe,
    sandbox: Running,
    browser: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
):
    AtStripe(sandbox, browser).paid(reference="NONE")
    sandbox.settle()

    def event(*_: object) -> bytes:
        raise Refused("key_refused", "set a valid one")

    monkeypatch.setattr(StripeApi, "event", event)

    with pytest.raises(Refused, match="set a valid one"):
        fill(store, stripe)


def test_what_one_turn_has_no_time_for_is_fetched_in_the_next_ones(
    desk: Desk,
    stripe: Stripe,
    sandbox: Running,
    browser: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
):
    """And whether the gateway is silent is known from the first one on."""
    AtStripe(sandbox, browser).paid(reference="NONE")
    sandbox.settle()
    sent: list[str] = []
    monkeypatch.setattr(clock, "now", lambda now=clock.now: now() + timedelta(minutes=20))
    monkeypatch.setattr(Nudges, "send", lambda self, ids: None)
    monkeypatch.setattr(Nudges, "go_on", lambda self, task: sent.append(task))
    monkeypatch.setattr(backfills, "_MOST_SECONDS", 0.0)

    kept, turns = [0], 0
    while len(sent) == turns:
        _run(stripe, monkeypatch)
        turns += 1
        kept.append(len(desk.query("SELECT id FROM inbox")))
        assert desk.attention() == [("gateway_silent", "gateway:stripe")]

    assert kept == [*range(turns), turns - 1]
    assert turns > 3
    assert set(sent) == {"errands.backfill"}
    assert fill(desk.store, stripe).fetched == ()
