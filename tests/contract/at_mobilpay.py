"""MobilPay, held to the contract against the sandbox's pretend one; a form leads to its page."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateways.mobilpay import MobilPay, Terms
from gateways.mobilpay_order import Page
from gateways.mobilpay_seal import private_keys, public_key
from gateways.mobilpay_soap import PATH, MobilPaySoap
from sandbox.running import Running
from tests.contract import at_sandbox
from tests.contract.at_sandbox import AtSandbox
from tests.mobilpay_seal import SECRET_KEY
from tests.sandbox.mobilpay_customers import THANKS


class _Dialect:
    name = "mobilpay"

    def button(self, page: str, name: str) -> str:
        return f"{page}/{name}"

    def payment(self, sandbox: Running, page: str) -> tuple[str, str]:
        order = sandbox.ask(lambda world: world.mobilpay.pages[page.rpartition("/")[2]])
        return order.purchase, order.asked.id

    def disputes(self, sandbox: Running, charged: str) -> list[str]:
        return [charged]  # it knows of none, so that the order itself is all to press buttons of

    def pages(self, sandbox: Running) -> int:
        return sandbox.ask(lambda world: len(world.mobilpay.orders))


@contextmanager
def opened(*, has_rc4: bool = False) -> Iterator[AtSandbox]:
    """A point of sale with a user of its panel, its keys the sandbox's; it takes lei alone."""
    with at_sandbox.opened() as (sandbox, listener, browser):
        listener.body = THANKS
        pairs = sandbox.ask(lambda world: world.mobilpay.pairs)
        told = sandbox.world.options
        signature = told.mobilpay_signature
        url = f"{sandbox.url}/mobilpay{PATH}"
        soap = MobilPaySoap(url, told.mobilpay_user, told.mobilpay_password, signature)
        gateway = MobilPay(
            Terms(signature, f"{listener.url}/mobilpay", has_rc4=has_rc4),
            private_keys(pairs.notices.key_pem),
            SECRET_KEY,
            is_live=False,
            page=Page(f"{sandbox.url}/mobilpay", public_key(pairs.orders.certificate_pem)),
            soap=soap,
        )
        try:
            yield AtSandbox(_Dialect(), gateway, "RON", "EUR", sandbox, listener, browser)
        finally:
            client = vars(soap).get("_client")  # none where nobody was asked anything
            if client is not None:
                client.close()
