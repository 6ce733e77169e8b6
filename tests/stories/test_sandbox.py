"""The whole against the pretend gateways: lost, doubled, shuffled, and right to the cent."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest

from ledger.access import tokens
from runtime import clock
from runtime.settings import environment
from sandbox.running import Running
from tests import stripe_events
from tests.desk import Desk
from tests.sandbox.customers import AtPaypal, AtStripe
from tests.stories import clockwork, pretend
from tests.stories.card_payers import CardPayers
from tests.stories.giving_back import TOKEN, Story
from tests.stories.payers import Payers
from tests.stories.places import Places
from tests.stories.plant import ROOT, SECRET_KEY, Plant

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("stories")]

_EACH = 15
_PAST_THE_SWEEP = 17.0
_INCASSO = (sys.executable, "-m", "cli.main")
_GATEWAYS = ("stripe", "paypal", "netopia")
_TICKS = ("errands.find_gaps", "errands.look_up", "errands.capture", "errands.refund")
_TROUBLE = {"drop": 0.3, "duplicate": 0.3, "reorder": 1.0, "delay": 0.1}


def test_whatever_becomes_of_the_webhooks_the_books_end_as_the_gateways_ledgers(
    plant: Plant, desk: Desk, sandbox: Running, payers: Payers, places: Places
):
    known = pretend.settings(sandbox)
    by_card = CardPayers(_started(Story(plant, desk, payers, places, known)))
    for gateway in _GATEWAYS:
        sandbox.turn(gateway, **_TROUBLE, reorder_seconds=1.0, delay_seconds=_PAST_THE_SWEEP)

    with httpx.Client(trust_env=False) as browser, clockwork.ticking(plant.broker, _TICKS):
        at_stripe, at_paypal = AtStripe(sandbox, browser), AtPaypal(sandbox, browser)
        _pay(at_stripe, at_paypal)
        by_card.pay(_EACH)
        asked = _find_gaps(plant, by_card)
        fetched = _catch_up(plant, desk, sandbox, known)
        _give_back(at_stripe, at_paypal)
        by_card.give_back()
        resent = by_card.resend()
        fetched += _catch_up(plant, desk, sandbox, known)

    counted = {name: sandbox.counted(name) for name in _GATEWAYS}
    print(counted, f"fetched {fetched}, asked {asked}, resent {resent}")  # noqa: T201 - how often
    assert resent >= 5
    assert fetched >= 10
    assert asked >= 5
    for each in counted.values():
        assert each["dropped"] >= 5
        assert each["duplicated"] >= 4
        assert each["overtaken"] >= 10
    assert sum(each["delayed"] for each in counted.values()) >= 2
    assert pretend.booked(desk) == pretend.at_gateways(sandbox)
    assert len(pretend.at_gateways(sandbox)) == 5 * _EACH
    assert [str(row.amount) for row in pretend.untold(sandbox)] == ["5.00"]
    assert [kind for kind, _ in desk.attention()].count("refund_untold") == 1
    assert desk.query("SELECT DISTINCT state FROM refunds") == [("done",)]
    assert desk.differences() == []


def _started(story: Story) -> Story:
    story.desk.store.act(lambda books: tokens.add(books, "story", TOKEN))
    story.start("web", 0)
    story.plant.start_worker("money", **story.settings)
    story.start("beat", 0)
    return story


def _find_gaps(plant: Plant, by_card: CardPayers) -> int:
    """What NETOPIA told nobody is asked of it; of how many payments that was."""

    def untold() -> int:
        return len(by_card.untold())

    before = untold()
    by_card.grow_old()
    plant.wait_for(lambda: untold() == 1, "NETOPIA's answers", 120)
    return before - 1


def _pay(at_stripe: AtStripe, at_paypal: AtPaypal) -> None:
    """Customers press the buttons; PayPal's orders wait to be captured by Incasso."""
    for n in range(_EACH):
        at_stripe.press(at_stripe.session(reference=f"S-{n}", minor=10_000 + n), "pay")
        at_paypal.press(at_paypal.order(reference=f"P-{n}", value=f"{20 + n}.10"), "pay")


def _give_back(at_stripe: AtStripe, at_paypal: AtPaypal) -> None:
    """Two refunds in parts, and a third of the payments in dispute."""
    charges = at_stripe.sandbox.ask(lambda world: list(world.stripe.objects["charge"]))
    captures = at_paypal.sandbox.ask(lambda world: list(world.paypal.captures))
    for charge, capture in zip(charges[:5], captures[:5], strict=True):
        for amount in ("1.00", "2.50"):
            assert at_stripe.panel(charge, "refund", amount).status_code == 303
            assert at_paypal.panel(capture, "refund", amount).status_code == 303
    for charge, capture in zip(charges[5:8], captures[5:8], strict=True):
        at_stripe.panel(charge, "dispute", "7.00")
        at_paypal.panel(capture, "reverse", "7.00")
    for dispute in at_stripe.sandbox.ask(lambda world: list(world.stripe.objects["dispute"])):
        at_stripe.panel(dispute, "withdraw")
    at_stripe.sandbox.settle()


def _catch_up(plant: Plant, desk: Desk, sandbox: Running, known: Mapping[str, str]) -> int:
    """One backfill, and the books know what the ledgers know; how many events it fetched."""

    def is_level() -> bool:
        waiting = desk.query("SELECT count(*) FROM inbox WHERE state IN ('received', 'parked')")
        orders = sandbox.ask(lambda world: [each.status for each in world.paypal.orders.values()])
        is_captured = set(orders) == {"COMPLETED"}
        return (
            waiting == [(0,)]
            and is_captured
            and pretend.booked(desk) == pretend.at_gateways(sandbox)
        )

    sandbox.settle(60)
    fetched = sum(_backfill(plant, gateway, known) for gateway in ("stripe", "paypal"))
    plant.wait_for(is_level, "books that are level with the ledgers", 120)
    return fetched


def _backfill(plant: Plant, gateway: str, known: Mapping[str, str]) -> int:
    since = (clock.now() - timedelta(hours=1)).isoformat()
    where = {"DATABASE_URL": plant.dsn, "BROKER_URL": plant.broker, "LOCAL_DIR": str(plant.folder)}
    secrets = {"STRIPE_WEBHOOK_SECRETS": stripe_events.SECRET, "SECRET_KEY": SECRET_KEY}
    done = subprocess.run(
        [*_INCASSO, "backfill", "--gateway", gateway, "--since", since, "--json"],
        cwd=ROOT,
        env=environment(**where, **secrets, **known),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return len(json.loads(done.stdout)["fetched"])
