"""Pretend Stripe, put together: `STRIPE_API_BASE=http://127.0.0.1:P/stripe`."""

from functools import partial

from sandbox import panel_stripe, stripe_api, stripe_pages, stripe_signing
from sandbox.delivery import STRIPE_RETRIES, Envelope, Transmission
from sandbox.gateway import Gateway, Site
from sandbox.stripe_account import StripeAccount


def opened(site: Site) -> Gateway[StripeAccount]:
    """An account of its own, with nothing in it."""

    def wrap(sent: Transmission) -> Envelope:
        second = int(site.clock().timestamp())
        secrets = site.options.stripe_secrets
        return Envelope(stripe_signing.headers(sent.body, secrets, second), sent.body)

    post = site.post("stripe", wrap, STRIPE_RETRIES)
    account = StripeAccount(site, post)
    account.later = lambda act: site.later(site.options.settle_seconds, act)
    return Gateway(
        name="stripe",
        title="Stripe",
        account=account,
        ledger=account.ledger,
        post=post,
        routes=[*stripe_api.routes(account), *stripe_pages.routes(account)],
        articles=partial(panel_stripe.articles, account),
        act=partial(panel_stripe.act, account),
    )
