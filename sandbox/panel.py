"""The sandbox's own page: every payment of both gateways, and what a bank or seller may do next."""

from decimal import Decimal, InvalidOperation
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import page, panel_paypal, panel_stripe
from sandbox.paypal_errors import PaypalError
from sandbox.stripe_errors import StripeError
from sandbox.world import World

_MOST = Decimal(10**9)


def routes(world: World) -> list[Route]:
    """The page, and one address for all of its buttons."""

    async def look(request: Request) -> Response:
        return _page(world)

    async def act(request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        return _acted(world, request.path_params, form.get("amount", [""])[0])

    return [
        Route("/", look, methods=["GET"]),
        Route("/panel/{gateway}/{id}/{act}", act, methods=["POST"]),
    ]


def _page(world: World) -> Response:
    stripe = page.joined(panel_stripe.articles(world.stripe))
    paypal = page.joined(panel_paypal.articles(world.paypal))
    nothing = "<p>Nothing yet.</p>"
    body = f"<h2>Stripe</h2>{stripe or nothing}<h2>PayPal</h2>{paypal or nothing}"
    return page.shown("Sandbox", body, is_wide=True)


def _acted(world: World, names: dict[str, str], typed: str) -> Response:
    try:
        amount = Decimal(typed) if typed.strip() else None
    except InvalidOperation:
        return _refused("An amount is a number such as 12.50.")
    if amount is not None and not (amount.is_finite() and 0 < amount < _MOST):
        return _refused("An amount is above zero and below a thousand million.")
    try:
        if names["gateway"] == "stripe":
            panel_stripe.act(world.stripe, names["id"], names["act"], amount)
        else:
            panel_paypal.act(world.paypal, names["id"], names["act"], amount)
    except (StripeError, PaypalError) as error:
        return _refused(str(error))
    return page.seen_other(f"{world.own_url}/")


def _refused(why: str) -> Response:
    body = f'<p class="bad" data-test="refused">{escape(why)}</p><p><a href="/">Back</a></p>'
    return page.shown("Sandbox", body, status=400)
