"""PayPal's API under `/paypal`: the calls that are documented as used, and no other."""

import base64
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import paypal_events as events
from sandbox import paypal_orders as orders
from sandbox import paypal_returns as returns
from sandbox import paypal_shapes as shapes
from sandbox.payload import Payload
from sandbox.paypal_account import Order, PaypalAccount, Show
from sandbox.paypal_calls import Call, Endpoint, endpoint, not_pretended, response
from sandbox.paypal_certificates import Seal
from sandbox.paypal_errors import bad_client, not_found


def routes(account: PaypalAccount, seal: Seal) -> list[Route]:
    """Every call, and at last an error in PayPal's shape for all others."""
    order_keys, payment_keys = account.order_keys, account.payment_keys
    offered: list[tuple[str, str, Endpoint]] = [
        ("POST", "/v1/oauth2/token", _token(account)),
        ("GET", "/v1/notifications/certs/{id}", certificate(seal)),
        (
            "POST",
            "/v2/checkout/orders",
            endpoint(account, lambda call: _new_order(account, call), keys=order_keys, status=201),
        ),
        (
            "GET",
            "/v2/checkout/orders/{id}",
            endpoint(account, lambda call: _shown_order(account, call)),
        ),
        (
            "POST",
            "/v2/checkout/orders/{id}/capture",
            endpoint(account, lambda call: _captured(account, call), keys=order_keys, status=201),
        ),
        (
            "GET",
            "/v2/payments/captures/{id}",
            endpoint(account, lambda call: _held(account.capture(call.names["id"])[1])),
        ),
        (
            "POST",
            "/v2/payments/captures/{id}/refund",
            endpoint(account, lambda call: _refunded(account, call), keys=payment_keys, status=201),
        ),
        (
            "GET",
            "/v2/payments/refunds/{id}",
            endpoint(account, lambda call: _shown_refund(account, call)),
        ),
        (
            "GET",
            "/v1/customer/disputes/{id}",
            endpoint(account, lambda call: _shown_dispute(account, call)),
        ),
        (
            "GET",
            "/v1/notifications/webhooks-events",
            endpoint(account, lambda call: _held(events.listed(account, call.query))),
        ),
        (
            "GET",
            "/v1/notifications/webhooks-events/{id}",
            endpoint(account, lambda call: _held(events.found(account, call.names["id"]))),
        ),
        (
            "POST",
            "/v1/notifications/webhooks-events/{id}/resend",
            endpoint(
                account, lambda call: _held(events.resend(account, call.names["id"])), status=202
            ),
        ),
    ]
    calls = [Route(path, call, methods=[method]) for method, path, call in offered]
    rest = [
        Route(f"/{version}/{{rest:path}}", not_pretended, methods=["GET", "POST"])
        for version in ("v1", "v2")
    ]
    return [*calls, *rest]


def certificate(seal: Seal) -> Endpoint:
    """The certificate that signs, under its own name alone, to everybody."""

    async def answer(request: Request) -> Response:
        if request.path_params["id"] != seal.id:
            return response(404, not_found().body)
        return Response(seal.chain_pem, media_type="application/x-pem-file")

    return answer


def _token(account: PaypalAccount) -> Endpoint:
    options = account.options
    expected = base64.b64encode(
        f"{options.paypal_client_id}:{options.paypal_client_secret}".encode()
    )

    async def answer(request: Request) -> Response:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic" or not compare_digest(given.encode(), expected):
            return response(401, bad_client().body)
        if b"grant_type=client_credentials" not in await request.body():
            error = {"error": "unsupported_grant_type", "error_description": "Grant Type is NULL"}
            return response(400, error)
        account.knobs.count("tokens")
        told: Payload = {
            "scope": "https://uri.paypal.com/services/applications/webhooks",
            "access_token": account.new_token(),
            "token_type": "Bearer",
            "app_id": "APP-SANDBOX",
            "expires_in": options.token_seconds,
        }
        return response(200, told)

    return answer


def _held(payload: Payload) -> Show:
    return lambda: payload


def _new_order(account: PaypalAccount, call: Call) -> Show:
    return _order(account, orders.create(account, call.body), call)


def _shown_order(account: PaypalAccount, call: Call) -> Show:
    order = account.order(call.names["id"])
    return lambda: orders.told(account, order)


def _captured(account: PaypalAccount, call: Call) -> Show:
    order = orders.capture(account, account.order(call.names["id"]))
    return lambda: orders.told(account, order)


def _refunded(account: PaypalAccount, call: Call) -> Show:
    capture = account.capture(call.names["id"])[1]
    made = returns.create_refund(account, capture, call.body)
    if call.is_whole:
        return _held(made)
    return lambda: {name: made[name] for name in ("id", "status", "links")}


def _shown_refund(account: PaypalAccount, call: Call) -> Show:
    id_ = call.names["id"]
    if id_ not in account.refunds:
        raise not_found()
    return _held(account.refunds[id_][1])


def _shown_dispute(account: PaypalAccount, call: Call) -> Show:
    id_ = call.names["id"]
    if id_ not in account.disputes:
        raise not_found()
    return _held(account.disputes[id_])


def _order(account: PaypalAccount, order: Order, call: Call) -> Show:
    if call.is_whole:
        return lambda: orders.told(account, order)
    return lambda: shapes.order_summary(order, orders.page_url(account, order.id))
