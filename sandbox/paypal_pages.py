"""PayPal's hosted page, `/paypal/checkoutnow`: where a customer agrees to an order, or does not."""

from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import page
from sandbox import paypal_orders as orders
from sandbox.paypal_account import DECLINES, PAYS, WAITS, Order, PaypalAccount
from sandbox.paypal_errors import PaypalError
from sandbox.paypal_shapes import PAYER

_ACTS = ("complete-pending", "fail-pending")

# What the buttons are called, and what the capture will come to.
_CHOICES = {
    "pay": PAYS,
    "decline": "INSTRUMENT_DECLINED",
    "leave-pending": WAITS,
    "decline-capture": DECLINES,
    **{f"refuse-{issue}": issue for issue in orders.REFUSALS},
}
_LABELS = {
    "pay": "Pay",
    "decline": "Decline",
    "leave-pending": "Leave pending",
    "decline-capture": "Decline after capture",
}


def routes(account: PaypalAccount) -> list[Route]:
    """The page, and what its buttons do. To look at it changes nothing."""

    async def look(request: Request) -> Response:
        return _page(account, request.query_params.get("token", ""))

    async def act(request: Request) -> Response:
        return _acted(account, request.path_params["id"], request.path_params["choice"])

    return [
        Route("/checkoutnow", look, methods=["GET"]),
        Route("/checkoutnow/{id}/{choice}", act, methods=["POST"]),
    ]


def _acted(account: PaypalAccount, id_: str, choice: str) -> Response:
    try:
        order = account.order(id_)
    except PaypalError:
        return _page(account, id_)
    if choice in _CHOICES:
        orders.approve(account, order, _CHOICES[choice])
        return page.seen_other(_return_url(account, order))
    if choice in _ACTS and order.captures:
        end = orders.complete_pending if choice == _ACTS[0] else orders.fail_pending
        end(account, order.captures[0])
        return page.seen_other(_return_url(account, order))
    return page.shown("Not found", "<p>There is no such button.</p>", status=404)


def _page(account: PaypalAccount, id_: str) -> Response:
    try:
        order = account.order(id_)
    except PaypalError:
        text = '<p data-test="state">There is no such order, or no longer.</p>'
        return page.shown("Pretend PayPal", text, status=404)
    parts = [
        page.amount(order.unit["amount"]["value"], order.currency),
        page.fact("seller", order.context.get("brand_name", "-")),
        page.fact("order", order.id),
        page.fact("reference", order.unit.get("custom_id", "-")),
        page.fact("state", order.status),
        *_buttons(account, order),
    ]
    return page.shown("Pretend PayPal", page.joined(parts))


def _buttons(account: PaypalAccount, order: Order) -> list[str]:
    base = f"{account.own_url}/paypal/checkoutnow/{order.id}"
    if order.status in ("CREATED", "PAYER_ACTION_REQUIRED"):
        buttons = [
            page.button(f"{base}/{name}", label, name, is_main=name == "pay")
            for name, label in _LABELS.items()
        ]
        others = [
            page.button(f"{base}/refuse-{issue}", issue, f"refuse-{issue}")
            for issue in orders.REFUSALS
        ]
        declined = '<p class="bad" data-test="declined">That did not work; try again.</p>'
        return [
            declined if order.refusals else "",
            *buttons,
            _back(_cancel_url(order), "cancel"),
            f"<details><summary>Other ways to fail</summary>{page.joined(others)}</details>",
        ]
    if order.captures and order.captures[0]["status"] == "PENDING":
        return [
            page.button(f"{base}/complete-pending", "Complete pending", "complete-pending"),
            page.button(f"{base}/fail-pending", "Fail pending", "fail-pending"),
            _back(_return_url(account, order), "return"),
        ]
    return [_back(_return_url(account, order), "return")]


def _return_url(account: PaypalAccount, order: Order) -> str:
    if "return_url" not in order.context:
        return orders.page_url(account, order.id)
    return _with(order.context["return_url"], token=order.id, PayerID=str(PAYER["payer_id"]))


def _cancel_url(order: Order) -> str | None:
    address = order.context.get("cancel_url")
    return _with(address, token=order.id) if address else None


def _with(address: str, **params: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(params)}"


def _back(address: str | None, name: str) -> str:
    if not address:
        return ""
    return f'<p><a href="{escape(address)}" data-test="{name}">Back to the seller</a></p>'
