"""The sandbox's own address, `/control`: turn knobs, read ledgers and what really happened."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.knobs import BadKnob
from sandbox.payload import printed
from sandbox.world import World


def routes(world: World) -> list[Route]:
    """All of it is JSON but the authority's certificate."""

    async def state(request: Request) -> Response:
        told = {name: knobs.told() for name, knobs in world.knobs.items()}
        return JSONResponse({**told, "waiting": world.waiting, "cert_url": world.cert_url})

    async def turn(request: Request) -> Response:
        return _turned(world, await request.body())

    async def ledger(request: Request) -> Response:
        return JSONResponse(ledgers(world))

    async def resend(request: Request) -> Response:
        return JSONResponse({"resent": resend_undelivered(world)})

    async def expire_tokens(request: Request) -> Response:
        world.paypal.tokens.clear()
        return JSONResponse({})

    async def authority(request: Request) -> Response:
        return Response(world.seal.authority_pem, media_type="application/x-pem-file")

    return [
        Route("/control", state, methods=["GET"]),
        Route("/control/knobs", turn, methods=["POST"]),
        Route("/control/ledger", ledger, methods=["GET"]),
        Route("/control/resend", resend, methods=["POST"]),
        Route("/control/expire-tokens", expire_tokens, methods=["POST"]),
        Route("/control/authority.pem", authority, methods=["GET"]),
    ]


def ledgers(world: World) -> dict[str, object]:
    """What each gateway knows of the money it moved."""
    return {"stripe": world.stripe.ledger.told(), "paypal": world.paypal.ledger.told()}


def resend_undelivered(world: World) -> int:
    """Send once more every event that nobody has taken; how many these were."""
    count = 0
    for account in (world.stripe, world.paypal):
        for id_, event in account.events.items():
            if id_ not in account.post.delivered:
                account.post.resend(id_, printed(event))
                count += 1
    return count


def _turned(world: World, body: bytes) -> Response:
    try:
        wanted = json.loads(body)
    except ValueError:
        return _refused('the body is JSON such as {"stripe": {"drop": 0.3}}')
    if not isinstance(wanted, dict) or not all(isinstance(each, dict) for each in wanted.values()):
        return _refused('the body is JSON such as {"stripe": {"drop": 0.3}}')
    for name in wanted:
        if name not in world.knobs:
            return _refused(f"there is no gateway {name}; there are stripe and paypal")
    try:
        for name, knobs in wanted.items():
            world.knobs[name].turn(knobs)
    except BadKnob as error:
        return _refused(str(error))
    return JSONResponse({name: knobs.told() for name, knobs in world.knobs.items()})


def _refused(why: str) -> Response:
    return JSONResponse({"error": why}, 400)
