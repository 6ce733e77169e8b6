"""PayPal's API under `/paypal`: the calls that are documented as used, and no other."""

import base64
from functools import partial
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

Offered = tuple[str, str, Endpoint]  # method, path, and what answers


def routes(account: PaypalAccount, seal: Seal) -> list[Route]:
    """Every call, and at last an error in PayPal's shape for all others."""
    calls = [
        ("POST", "/v1/oauth2/token", _token(account)),
        ("GET", "/v1/notifications/certs/{id}", certificate(seal)),
        *_orders(account),
        *_payments(account),
        *_events(account),
    ]
    rest = [
        Route(f"/{version}/{{rest:path}}", not_pretended, methods=["GET", "POST"])
        for version in ("v1", "v2")
    ]
    return [*(Route(path, call, methods=[method]) for method, path, call in calls), *rest]


def _orders(account: PaypalAccount) -> list[Offered]:
    path, keys = "/v2/checkout/orders", account.order_keys
    new, shown, captured = (partial(act, account) for act in (_new_order, _shown_order, _captured))
    return [
        ("POST", path, endpoint(account, new, keys=keys, status=201)),
        ("GET", f"{path}/{{id}}", endpoint(account, shown)),
        ("POST", f"{path}/{{id}}/capture", endpoint(account, captured, keys=keys, status=201)),
    ]


def _payments(account: PaypalAccount) -> list[Offered]:
    path, keys = "/v2/payments/captures/{id}", account.payment_keys
    refunded = endpoint(account, partial(_refunded, account), keys=keys, status=201)
    return [
        ("GET", path, endpoint(account, partial(_shown_capture, account))),
        ("POST", f"{path}/refund", refunded),
        ("GET", "/v2/payments/refunds/{id}", endpoint(account, partial(_shown_refund, account))),
        ("GET", "/v1/customer/disputes/{id}", endpoint(account, partial(_shown_dispute, account))),
    ]


def _events(account: PaypalAccount) -> list[Offered]:
    path = "/v1/notifications/webhooks-events"
    resent = endpoint(account, partial(_resent_event, account), status=202)
    return [
        ("GET", path, endpoint(account, partial(_listed_events, account))),
        ("GET", f"{path}/{{id}}", endpoint(account, partial(_shown_event, account))),
        ("POST", f"{path}/{{id}}/resend", resent),
    ]


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
        await account.knobs.hold("hold_before", request.url.path)
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


def _shown_capture(account: PaypalAccount, call: Call) -> Show:
    return _held(account.capture(call.names["id"])[1])


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


def _listed_events(account: PaypalAccount, call: Call) -> Show:
    return _held(events.listed(account, call.query))


def _shown_event(account: PaypalAccount, call: Call) -> Show:
    return _held(events.found(account, call.names["id"]))


def _resent_event(account: PaypalAccount, call: Call) -> Show:
    return _held(events.resend(account, call.names["id"]))


def _order(account: PaypalAccount, order: Order, call: Call) -> Show:
    if call.is_whole:
        return lambda: orders.told(account, order)
    return lambda: shapes.order_summary(order, orders.page_url(account, order.id))
