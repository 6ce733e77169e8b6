"""One sandbox: both pretend gateways, their post and their trouble, made from its options."""

import asyncio
from collections.abc import Callable

from sandbox import clock as clocks
from sandbox import paypal_certificates as certificates
from sandbox import paypal_signing, stripe_signing
from sandbox.clock import Clock
from sandbox.delivery import PAYPAL_RETRIES, STRIPE_RETRIES, Post, Transmission
from sandbox.ids import Ids
from sandbox.knobs import Knobs
from sandbox.options import Options
from sandbox.paypal_account import PaypalAccount, plain
from sandbox.paypal_certificates import Authority
from sandbox.stripe_account import StripeAccount

_CERT_PATH = "/v1/notifications/certs/"


class World:
    """Everything a sandbox holds; to be touched on its own event loop only.

    `authority` vouches for PayPal's certificate; None: one of its own.
    """

    def __init__(
        self,
        options: Options,
        own_url: str,
        clock: Clock = clocks.now,
        authority: Authority | None = None,
    ) -> None:
        self.options = options
        self.own_url = own_url
        self.clock = clock
        self.ids = Ids(options.seed)
        self.seal = certificates.made(
            f"CERT-{self.ids.transmission()[:26]}",
            clock(),
            authority or certificates.new_authority(clock()),
        )
        self.knobs = {"stripe": Knobs(options.seed), "paypal": Knobs(options.seed)}
        self.posts = {
            "stripe": self._post("stripe", self._stripe_headers, STRIPE_RETRIES),
            "paypal": self._post("paypal", self._paypal_headers, PAYPAL_RETRIES),
        }
        self.stripe = StripeAccount(
            options, clock, self.ids, self.knobs["stripe"], self.posts["stripe"], own_url
        )
        self.stripe.later = self._later
        self.paypal = PaypalAccount(
            options, clock, self.ids, self.knobs["paypal"], self.posts["paypal"], own_url
        )
        self.on_start: Callable[[], None] = lambda: None
        self._awaited: set[asyncio.TimerHandle] = set()

    @property
    def cert_url(self) -> str:
        """Where the signer's certificate is fetched."""
        return f"{self.options.cert_base or self.own_url}{_CERT_PATH}{self.seal.id}"

    @property
    def waiting(self) -> int:
        """How much is still to happen by itself: deliveries, and balance transactions."""
        self._awaited = {each for each in self._awaited if not each.cancelled()}
        return sum(post.waiting for post in self.posts.values()) + len(self._awaited)

    async def close(self) -> None:
        """Stop all deliveries."""
        for each in self._awaited:
            each.cancel()
        for post in self.posts.values():
            await post.close()

    def _post(
        self, name: str, sign: Callable[[Transmission], dict[str, str]], waits: tuple[int, ...]
    ) -> Post:
        scaled = [wait * self.options.retry_scale for wait in waits]
        return Post(f"{self.options.webhooks}/{name}", sign, self.knobs[name], scaled)

    def _stripe_headers(self, sent: Transmission) -> dict[str, str]:
        second = int(self.clock().timestamp())
        return stripe_signing.headers(sent.body, self.options.stripe_secrets, second)

    def _paypal_headers(self, sent: Transmission) -> dict[str, str]:
        # A repeated attempt says the same id and time; whether PayPal renews them is not known.
        if sent.named is None:
            sent.named = (self.ids.transmission(), plain(self.clock()))
        webhook_id = self.options.paypal_webhook_id
        return paypal_signing.headers(sent.body, sent.named, webhook_id, self.seal, self.cert_url)

    def _later(self, act: Callable[[], None]) -> None:
        def acted() -> None:
            self._awaited.discard(handle)
            act()

        loop = asyncio.get_running_loop()
        handle = loop.call_later(self.options.settle_seconds, acted)
        self._awaited.add(handle)
