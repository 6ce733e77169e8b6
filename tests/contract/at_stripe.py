"""Stripe, held to the contract against the sandbox's pretend one."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from sandbox.running import Running
from tests.contract import at_sandbox
from tests.contract.at_sandbox import AtSandbox
from tests.contract.far_side import FarSide
from tests.sandbox.customers import SECRETS


class _Dialect:
    name = "stripe"

    def button(self, page: str, name: str) -> str:
        return f"{page}/{name}"

    def payment(self, sandbox: Running, page: str) -> tuple[str, str]:
        objects = sandbox.ask(lambda world: world.stripe.objects)
        intent = objects["checkout.session"][page.rpartition("/")[2]]["payment_intent"]
        return intent, objects["payment_intent"][intent]["latest_charge"]

    def disputes(self, sandbox: Running, charged: str) -> list[str]:
        disputes = sandbox.ask(lambda world: list(world.stripe.objects["dispute"].values()))
        return [each["id"] for each in disputes if each["charge"] == charged]

    def pages(self, sandbox: Running) -> int:
        return sandbox.ask(lambda world: len(world.stripe.objects["checkout.session"]))


@contextmanager
def opened() -> Iterator[FarSide]:
    """Stripe with a key, over an account of its own; the Cuban peso is none of its currencies."""
    with at_sandbox.opened() as (sandbox, listener, browser):
        api = StripeApi("sk_test_sandbox", f"{sandbox.url}/stripe")
        gateway = Stripe("own", SECRETS, is_live=False, api=api)
        yield AtSandbox(_Dialect(), gateway, "RON", "CUP", sandbox, listener, browser)
