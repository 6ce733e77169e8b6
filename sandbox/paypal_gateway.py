"""Pretend PayPal, put together: `PAYPAL_API_BASE=http://127.0.0.1:P/paypal`.

Its certificates are at the root too, so that their path is exactly PayPal's.
"""

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import panel_paypal, paypal_api, paypal_pages, paypal_signing
from sandbox import paypal_certificates as certificates
from sandbox.delivery import PAYPAL_RETRIES, Envelope, Transmission
from sandbox.gateway import Gateway, Site
from sandbox.paypal_account import PaypalAccount, plain
from sandbox.paypal_certificates import Seal

_CERT_PATH = "/v1/notifications/certs/"


def opened(site: Site) -> Gateway[PaypalAccount]:
    """A merchant of its own, and a certificate that signs."""
    seal = _sealed(site)
    url = f"{site.options.cert_base or site.own_url}{_CERT_PATH}{seal.id}"

    def wrap(sent: Transmission) -> Envelope:
        # A repeated attempt says the same id and time; whether PayPal renews them is not known.
        named = sent.repeated.setdefault("named", (site.ids.transmission(), plain(site.clock())))
        webhook_id = site.options.paypal_webhook_id
        return Envelope(paypal_signing.headers(sent.body, named, webhook_id, seal, url), sent.body)

    post = site.post("paypal", wrap, PAYPAL_RETRIES)
    account = PaypalAccount(site, post, seal)
    return Gateway(
        name="paypal",
        title="PayPal",
        account=account,
        ledger=account.ledger,
        post=post,
        routes=[*paypal_api.routes(account, seal), *paypal_pages.routes(account)],
        articles=partial(panel_paypal.articles, account),
        act=partial(panel_paypal.act, account),
        roots=_roots(account),
        told=lambda: {"cert_url": url},
    )


def _sealed(site: Site) -> Seal:
    now, file = site.clock(), site.options.ca_file
    id_ = f"CERT-{site.ids.transmission()[:26]}"
    authority = certificates.kept_authority(file, now) if file else certificates.new_authority(now)
    return certificates.made(id_, now, authority)


def _roots(account: PaypalAccount) -> list[Route]:
    async def expire_tokens(request: Request) -> Response:
        account.tokens.clear()
        return JSONResponse({})

    async def authority(request: Request) -> Response:
        return Response(account.seal.authority_pem, media_type="application/x-pem-file")

    certificate = paypal_api.certificate(account.seal)
    return [
        Route(f"{_CERT_PATH}{{id}}", certificate, methods=["GET"]),
        Route("/control/expire-tokens", expire_tokens, methods=["POST"]),
        Route("/control/authority.pem", authority, methods=["GET"]),
    ]
