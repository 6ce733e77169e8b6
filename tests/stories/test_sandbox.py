"""The whole against the pretend gateways: lost, doubled, shuffled, and right to the cent."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest

from runtime import clock
from runtime.settings import environment
from sandbox.running import Running
from tests import stripe_events
from tests.desk import Desk
from tests.sandbox.customers import AtPaypal, AtStripe
from tests.stories import pretend
from tests.stories.plant import ROOT, Plant

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("stories")]

_EACH = 15
_PAST_THE_SWEEP = 17.0
_INCASSO = (sys.executable, "-m", "cli.main")
_TROUBLE = {"drop": 0.3, "duplicate": 0.3, "reorder": 1.0, "delay": 0.1}


def test_whatever_becomes_of_the_webhooks_the_books_end_as_the_gateways_ledgers(
    plant: Plant, desk: Desk, sandbox: Running
):
    known = pretend.settings(sandbox)
    plant.start_web(**known)
    plant.start_worker("money", **known)
    plant.start_beat()
    plant.wait_for(plant.is_web_ready, "the web")
    for gateway in ("stripe", "paypal"):
        sandbox.turn(gateway, **_TROUBLE, reorder_seconds=1.0, delay_seconds=_PAST_THE_SWEEP)

    with httpx.Client(trust_env=False) as browser:
        at_stripe, at_paypal = AtStripe(sandbox, browser), AtPaypal(sandbox, browser)
        _pay(at_stripe, at_paypal)
        fetched = _catch_up(plant, desk, sandbox, known)
        _give_back(at_stripe, at_paypal)
        fetched += _catch_up(plant, desk, sandbox, known)

    counted = {name: sandbox.counted(name) for name in ("stripe", "paypal")}
    print(counted, f"fetched {fetched}")  # noqa: T201 - how often
    assert fetched >= 10
    for each in counted.values():
        assert each["dropped"] >= 5
        assert each["duplicated"] >= 4
        assert each["overtaken"] >= 10
    assert sum(each["delayed"] for each in counted.values()) >= 2
    assert pretend.booked(desk) == pretend.at_gateways(sandbox)
    assert len(pretend.at_gateways(sandbox)) == 4 * _EACH
    assert desk.differences() == []


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
    secrets = {"STRIPE_WEBHOOK_SECRETS": stripe_events.SECRET}
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
