"""One sandbox: all pretend gateways, their post and their trouble, made from its options."""

from collections.abc import Callable
from typing import TypeVar

from sandbox import clock as clocks
from sandbox import mobilpay_gateway, netopia_gateway, paypal_gateway, stripe_gateway
from sandbox.clock import Clock
from sandbox.gateway import Gateway, Site
from sandbox.knobs import Knobs
from sandbox.options import Options

A = TypeVar("A")


class World:
    """Everything a sandbox holds; to be touched on its own event loop only."""

    def __init__(self, options: Options, own_url: str, clock: Clock = clocks.now) -> None:
        self.site = Site(options, own_url, clock)
        self.options = options
        self.own_url = own_url
        self.gateways: dict[str, Gateway[object]] = {}
        self.stripe = self._joined(stripe_gateway.opened)
        self.paypal = self._joined(paypal_gateway.opened)
        self.mobilpay = self._joined(mobilpay_gateway.opened)
        self.netopia = self._joined(netopia_gateway.opened)
        self.on_start: Callable[[], None] = lambda: None

    @property
    def knobs(self) -> dict[str, Knobs]:
        """Each gateway's trouble, by its name."""
        return {name: gateway.post.knobs for name, gateway in self.gateways.items()}

    @property
    def waiting(self) -> int:
        """How much is still to happen by itself: deliveries, and balance transactions."""
        return self.site.waiting + sum(each.post.waiting for each in self.gateways.values())

    async def close(self) -> None:
        """Stop all deliveries."""
        self.site.close()
        for gateway in self.gateways.values():
            await gateway.post.close()

    def _joined(self, opened: Callable[[Site], Gateway[A]]) -> A:
        gateway = opened(self.site)
        self.gateways[gateway.name] = gateway
        return gateway.account
