"""All pretend gateways as one ASGI application, each below its own name.

Such as `STRIPE_API_BASE=http://127.0.0.1:P/stripe`: our clients take a base with a path.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox import control, panel
from sandbox.world import World


def made(world: World) -> Starlette:
    """The application of one world; when it stops, deliveries stop."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        world.on_start()
        yield
        await world.close()

    gateways = world.gateways.values()
    return Starlette(
        routes=[
            *(Mount(f"/{each.name}", routes=each.routes) for each in gateways),
            *(route for each in gateways for route in each.roots),
            *control.routes(world),
            *panel.routes(world),
        ],
        lifespan=lifespan,
    )
