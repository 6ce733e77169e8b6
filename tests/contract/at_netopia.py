"""NETOPIA, held to the contract against the sandbox's pretend one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

from gateways.netopia import Netopia
from gateways.netopia_api import NetopiaApi
from sandbox import clock
from sandbox.clock import Clock
from sandbox.running import Running
from tests.contract import at_sandbox
from tests.contract.at_sandbox import AtSandbox
from tests.contract.far_side import FarSide
from tests.sandbox.netopia_customers import TAKEN


class _Dialect:
    name = "netopia"

    def button(self, page: str, name: str) -> str:
        return f"{page.replace('?p=', '/')}/{name}"

    def payment(self, sandbox: Running, page: str) -> tuple[str, str]:
        made = sandbox.ask(lambda world: world.netopia.on_page(page.rpartition("=")[2]).ntp_id)
        return made, made

    def disputes(self, sandbox: Running, charged: str) -> list[str]:
        """A dispute has no name of its own."""
        return [charged]

    def pages(self, sandbox: Running) -> int:
        return sandbox.ask(lambda world: len(world.netopia.payments))


def _ticking() -> Clock:
    """A second later whenever it is asked: two refunds of one second are told in the same bytes."""
    began, seconds = clock.now() - timedelta(hours=1), count()
    return lambda: began + timedelta(seconds=next(seconds))


@contextmanager
def opened() -> Iterator[FarSide]:
    """A point of sale that takes lei alone, and tells our listener."""
    with at_sandbox.opened(_ticking()) as (sandbox, listener, browser):
        listener.body = TAKEN
        told = sandbox.world.options
        pem = browser.get(f"{sandbox.url}/control/netopia-public-key.pem").text
        notify_url = f"{listener.url}/netopia"
        api = NetopiaApi(
            f"{sandbox.url}/netopia", told.netopia_api_key, told.netopia_pos, notify_url
        )
        gateway = Netopia(told.netopia_pos, pem, is_live=False, api=api)
        try:
            yield AtSandbox(_Dialect(), gateway, "RON", "EUR", sandbox, listener, browser)
        finally:
            client = vars(api).get("_client")  # none where nobody was asked anything
            if client is not None:
                client.close()
