"""NETOPIA's API under `/netopia`: start a payment, ask how it stands, give money back."""

import json
from collections.abc import Awaitable, Callable
from decimal import ROUND_HALF_UP, Decimal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import netopia_payments as payments
from sandbox import netopia_returns as returns
from sandbox.netopia_account import NetopiaAccount, Status, shown
from sandbox.netopia_errors import NetopiaError, error, invalid, unknown
from sandbox.payload import Payload, printed

# Does it all at once, with no await, and answers what is told of it.
Act = Callable[[NetopiaAccount, Payload], Payload]
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(account: NetopiaAccount) -> list[Route]:
    """Every call, and at last an error in NETOPIA's shape for all others."""
    calls: dict[str, Act] = {
        "/payment/card/start": _start,
        "/operation/status": _status,
        "/operation/credit": _credit,
    }
    pretended = [
        Route(path, _endpoint(account, act), methods=["POST"]) for path, act in calls.items()
    ]
    rest = [
        Route(f"/{area}/{{rest:path}}", _not_pretended, methods=["GET", "POST"])
        for area in ("payment", "operation")
    ]
    return [*pretended, *rest]


def _endpoint(account: NetopiaAccount, act: Act) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            account.check_key(request.headers.get("Authorization", ""))
            account.expire_due()
            return await _answered(account, act, request)
        except NetopiaError as refusal:
            return _response(refusal.status, refusal.body)

    return answer


async def _answered(account: NetopiaAccount, act: Act, request: Request) -> Response:
    """With the trouble that is asked for; there is no key, so that a kept error is a plain one."""
    body, knobs = await request.body(), account.knobs
    fault = knobs.fault(is_post=True)
    if fault in ("error_before", "error_kept"):
        knobs.count(fault)
        return _failed()
    call = f"{request.url.path} {body.decode(errors='replace')}"
    await knobs.linger(fault, call)
    told = act(account, _parsed(body))
    await knobs.hold("hold_after", call)
    if fault == "error_after":
        knobs.count(fault)
        return _failed()
    return _response(200, told)


def _start(account: NetopiaAccount, asked: Payload) -> Payload:
    payment = payments.start(account, asked)
    page = payments.page_url(account, payment)
    return {
        "customerAction": None,
        **error("101", "Redirect user to payment page"),
        "payment": {**shown(payment), "paymentURL": page},
    }


def _status(account: NetopiaAccount, asked: Payload) -> Payload:
    if asked.get("posID") != account.options.netopia_pos:
        raise invalid("posID")
    payment = account.payment(str(asked.get("ntpID") or ""), str(asked.get("orderID") or ""))
    order = {"orderID": payment.order_id}
    return {**error("00", "Approved"), "order": order, "payment": shown(payment)}


def _credit(account: NetopiaAccount, asked: Payload) -> Payload:
    """The answer alone has the amount; one of another amount is an approval that did nothing."""
    payment = account.payment(str(asked.get("ntpID") or "-"))
    amount = payments.checked(asked.get("amount"), "amount", payments.CENT)
    if account.knobs.happens("other_amount"):
        account.knobs.count("other_amount")
        amount = (amount / 2).quantize(Decimal("0.01"), ROUND_HALF_UP)
    else:
        returns.refund(account, payment, amount, "api")
    made = {**shown(payment), "status": int(Status.CREDIT), "amount": float(amount)}
    return {**error("00", "Approved"), "payment": {**made, "currency": payment.currency}}


async def _not_pretended(request: Request) -> Response:
    refusal = unknown()
    return _response(refusal.status, refusal.body)


def _failed() -> Response:
    return _response(500, error("500", "Internal error"))


def _response(status: int, body: Payload) -> Response:
    return Response(printed(body), status, media_type="application/json")


def _parsed(text: bytes) -> Payload:
    try:
        body = json.loads(text, parse_float=Decimal)
    except ValueError:
        raise invalid("JSON") from None
    if not isinstance(body, dict):
        raise invalid("JSON")
    return body
