"""The web application for people and their tools."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from ledger.store import Store
from runtime import clock, hosted, wiring
from runtime.hosted import Hosted
from runtime.settings import settings
from web import problems
from web.api import (
    clients,
    invoice_acts,
    invoices,
    pay_links,
    payment_acts,
    payments,
    reference,
    refunds,
    why,
)
from web.api.door import Desk
from web.pay.app import Pages

_SAYS = (
    "Clients, invoices and payments. Send your token as `Authorization: Bearer …` or as"
    " `authtoken: …`. Amounts are decimal strings; they are read from strings and numbers alike,"
    " exactly. A refusal is a problem document (RFC 9457) with a stable `code`."
)


def build() -> FastAPI:
    """The application of this process, from its settings."""
    return over(wiring.store(), settings().zone, clock.now, hosted.from_settings())


def over(store: Store, zone: ZoneInfo, now: Callable[[], datetime], links: Hosted) -> FastAPI:
    """The application over a database; `zone` is the seller's, `now` answers in UTC."""
    app = FastAPI(
        title="Incasso API",
        version="1",
        description=_SAYS,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: _no_such_route},
    )
    app.state.desk = Desk(store, zone, now, links)
    of_invoices = (clients, invoices, invoice_acts, pay_links, why)
    for room in (*of_invoices, payments, payment_acts, refunds, reference):
        app.include_router(room.router)
    app.router.routes.extend(Pages(store, links, now).routes())
    app.add_api_route("/", _home, include_in_schema=False)
    app.openapi = cache(partial(reference.document, app))  # type: ignore[method-assign] # FastAPI's own way
    return app


async def _no_such_route(_: Request, error: HTTPException) -> Response:
    return problems.answer(error)


def _home() -> RedirectResponse:
    """Who comes to the bare address reads what there is."""
    return RedirectResponse("/api/docs")
