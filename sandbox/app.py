"""Both pretend gateways as one ASGI application.

Stripe is under `/stripe` (`STRIPE_API_BASE=http://127.0.0.1:P/stripe`), PayPal under `/paypal`
(`PAYPAL_API_BASE=http://127.0.0.1:P/paypal`); both clients take a base with a path. PayPal's
certificates are at the root too, so that their path is exactly PayPal's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from sandbox import control, panel, paypal_api, paypal_pages, stripe_api, stripe_pages
from sandbox.world import World


def made(world: World) -> Starlette:
    """The application of one world; when it stops, deliveries stop."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        world.on_start()
        yield
        await world.close()

    stripe = [*stripe_api.routes(world.stripe), *stripe_pages.routes(world.stripe)]
    paypal = [*paypal_api.routes(world.paypal, world.seal), *paypal_pages.routes(world.paypal)]
    certificate = paypal_api.certificate(world.seal)
    return Starlette(
        routes=[
            Mount("/stripe", routes=stripe),
            Mount("/paypal", routes=paypal),
            Route("/v1/notifications/certs/{id}", certificate, methods=["GET"]),
            *control.routes(world),
            *panel.routes(world),
        ],
        lifespan=lifespan,
    )
