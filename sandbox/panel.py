"""The sandbox's own page: every payment of all gateways, and what a bank or seller may do next."""

from decimal import Decimal, InvalidOperation
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import page
from sandbox.gateway import Gateway, NotDone
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
    return page.shown("Sandbox", page.joined(map(_part, world.gateways.values())), is_wide=True)


def _part(gateway: Gateway[object]) -> str:
    articles = page.joined(gateway.articles())
    return f"<h2>{escape(gateway.title)}</h2>{articles or '<p>Nothing yet.</p>'}"


def _acted(world: World, names: dict[str, str], typed: str) -> Response:
    try:
        amount = Decimal(typed) if typed.strip() else None
    except InvalidOperation:
        return _refused("An amount is a number such as 12.50.")
    if amount is not None and not (amount.is_finite() and 0 < amount < _MOST):
        return _refused("An amount is above zero and below a thousand million.")
    gateway = world.gateways.get(names["gateway"])
    if gateway is None:
        return _refused("There is no such gateway.")
    try:
        gateway.act(names["id"], names["act"], amount)
    except NotDone as error:
        return _refused(str(error))
    return page.seen_other(f"{world.own_url}/")


def _refused(why: str) -> Response:
    body = f'<p class="bad" data-test="refused">{escape(why)}</p><p><a href="/">Back</a></p>'
    return page.shown("Sandbox", body, status=400)
