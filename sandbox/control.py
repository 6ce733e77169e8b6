"""The sandbox's own address, `/control`: turn knobs, read ledgers and what really happened."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.knobs import BadKnob
from sandbox.world import World


def routes(world: World) -> list[Route]:
    """All of it is JSON; what one gateway alone has here is among its own routes."""

    async def state(request: Request) -> Response:
        told: dict[str, object] = {"waiting": world.waiting}
        for gateway in world.gateways.values():
            told |= {gateway.name: gateway.post.knobs.told(), **gateway.told()}
        return JSONResponse(told)

    async def turn(request: Request) -> Response:
        return _turned(world, await request.body())

    async def ledger(request: Request) -> Response:
        return JSONResponse(ledgers(world))

    async def resend(request: Request) -> Response:
        return JSONResponse({"resent": resend_undelivered(world)})

    return [
        Route("/control", state, methods=["GET"]),
        Route("/control/knobs", turn, methods=["POST"]),
        Route("/control/ledger", ledger, methods=["GET"]),
        Route("/control/resend", resend, methods=["POST"]),
    ]


def ledgers(world: World) -> dict[str, object]:
    """What each gateway knows of the money it moved."""
    return {name: gateway.ledger.told() for name, gateway in world.gateways.items()}


def resend_undelivered(world: World) -> int:
    """Send once more every event that nobody has taken; how many these were."""
    return sum(gateway.post.resend_undelivered() for gateway in world.gateways.values())


def _turned(world: World, body: bytes) -> Response:
    try:
        wanted = json.loads(body)
    except ValueError:
        return _refused('the body is JSON such as {"stripe": {"drop": 0.3}}')
    if not isinstance(wanted, dict) or not all(isinstance(each, dict) for each in wanted.values()):
        return _refused('the body is JSON such as {"stripe": {"drop": 0.3}}')
    for name in wanted:
        if name not in world.knobs:
            return _refused(f"there is no gateway {name}; there are {', '.join(world.knobs)}")
    try:
        for name, knobs in wanted.items():
            world.knobs[name].turn(knobs)
    except BadKnob as error:
        return _refused(str(error))
    return JSONResponse({name: knobs.told() for name, knobs in world.knobs.items()})


def _refused(why: str) -> Response:
    return JSONResponse({"error": why}, 400)
