"""PayPal, held to the contract against the sandbox's pretend one."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from sandbox.running import Running
from tests.contract import at_sandbox
from tests.contract.at_sandbox import AtSandbox
from tests.contract.far_side import FarSide


class _Dialect:
    name = "paypal"

    def button(self, page: str, name: str) -> str:
        return f"{page.replace('?token=', '/')}/{name}"

    def payment(self, sandbox: Running, page: str) -> tuple[str, str]:
        order = page.rpartition("=")[2]
        capture = sandbox.ask(lambda world: world.paypal.orders[order].captures[0]["id"])
        return capture, capture

    def disputes(self, sandbox: Running, charged: str) -> list[str]:
        disputes = sandbox.ask(lambda world: list(world.paypal.disputes.values()))
        return [
            each["dispute_id"]
            for each in disputes
            if each["disputed_transactions"][0]["seller_transaction_id"] == charged
        ]

    def pages(self, sandbox: Running) -> int:
        return sandbox.ask(lambda world: len(world.paypal.orders))


@contextmanager
def opened() -> Iterator[FarSide]:
    """PayPal with a client, its certificates vouched for by the sandbox; it takes no lei."""
    with at_sandbox.opened() as (sandbox, listener, browser):
        told = sandbox.world.options
        authority = browser.get(f"{sandbox.url}/control/authority.pem").text
        certificates = Certificates(is_live=False, hosts=(sandbox.url,), roots=authority)
        api = PayPalApi(f"{sandbox.url}/paypal", told.paypal_client_id, told.paypal_client_secret)
        merchant, webhook = told.paypal_merchant_id, told.paypal_webhook_id
        gateway = PayPal(merchant, webhook, certificates, is_live=False, api=api)
        try:
            yield AtSandbox(_Dialect(), gateway, "EUR", "RON", sandbox, listener, browser)
        finally:
            client = vars(api).get("_client")  # none where nobody was asked anything
            if client is not None:
                client.close()
