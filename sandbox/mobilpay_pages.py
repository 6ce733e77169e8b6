"""MobilPay's page under `/mobilpay`: it takes a seller's form, and asks the customer for a card.

The first notice of what he does is told while he waits: he is led back once the seller answered.
"""

from collections.abc import Awaitable, Callable
from html import escape
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import mobilpay_order, page
from sandbox import mobilpay_payments as payments
from sandbox.mobilpay_account import MobilpayAccount, Order
from sandbox.mobilpay_errors import MESSAGES, MobilpayError
from sandbox.mobilpay_notices import Notice

_TITLE = "Pretend MobilPay"

_ACTS: dict[str, Callable[[MobilpayAccount, Order], Notice | None]] = {
    "pay": payments.pay,
    "decline": payments.decline,
    "leave-pending": payments.leave_pending,
    "authorise": payments.authorise,
    "leave-authorisation-pending": lambda account, order: payments.leave_pending(
        account, order, is_hold=True
    ),
    "complete-pending": payments.complete_pending,
    "fail-pending": payments.fail_pending,
}
_LABELS = {
    "pay": "Pay",
    "decline": "Decline",
    "leave-pending": "Leave pending",
    "authorise": "Authorise only",
    "leave-authorisation-pending": "Leave authorisation pending",
}


Taking = Callable[[Request], Awaitable[Response]]


def taking(account: MobilpayAccount) -> Taking:
    """Takes the form of an order."""

    async def take(request: Request) -> Response:
        return await _taken(account, await request.body())

    return take


def routes(account: MobilpayAccount) -> list[Route]:
    """Where forms are taken, and the page. To look at it changes nothing."""

    async def look(request: Request) -> Response:
        return _page(account, request.path_params["page"])

    async def act(request: Request) -> Response:
        return await _acted(account, request.path_params["page"], request.path_params["choice"])

    return [
        Route("/", taking(account), methods=["POST"]),
        Route("/en", taking(account), methods=["POST"]),
        Route("/card/{page}", look, methods=["GET"]),
        Route("/card/{page}/{choice}", act, methods=["POST"]),
    ]


def page_url(account: MobilpayAccount, order: Order) -> str:
    """Where the customer gives his card."""
    return f"{account.own_url}/mobilpay/card/{order.page}"


async def _taken(account: MobilpayAccount, body: bytes) -> Response:
    form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
    account.knobs.count("forms")
    try:
        asked = mobilpay_order.read(form, account.pairs.orders, account.options.mobilpay_signature)
        order, notice = payments.begin(account, asked)
    except MobilpayError as error:
        return _refused(error)
    if notice is not None:
        await account.tell_waiting(notice)
        return _refused(MobilpayError(payments.PAID_BEFORE))
    return page.seen_other(page_url(account, order))


async def _acted(account: MobilpayAccount, name: str, choice: str) -> Response:
    order = account.pages.get(name)
    if order is None:
        return _page(account, name)
    if choice not in _ACTS:
        return page.shown("Not found", "<p>There is no such button.</p>", status=404)
    notice = _ACTS[choice](account, order)
    if notice is not None:
        await account.tell_waiting(notice)
    if order.state == "open":
        return page.seen_other(page_url(account, order))
    return page.seen_other(_return_url(order))


def _page(account: MobilpayAccount, name: str) -> Response:
    order = account.pages.get(name)
    if order is None:
        text = '<p data-test="state">There is no such order.</p>'
        return page.shown(_TITLE, text, status=404)
    parts = [
        page.amount(f"{order.asked.amount:.2f}", order.asked.currency),
        page.fact("reference", order.asked.id),
        page.fact("purchase", order.purchase),
        page.fact("state", order.state),
        *_buttons(account, order),
    ]
    return page.shown(_TITLE, page.joined(parts))


def _buttons(account: MobilpayAccount, order: Order) -> list[str]:
    base = page_url(account, order)
    back = (
        f'<p><a href="{escape(_return_url(order))}" data-test="return">Back to the seller</a></p>'
    )
    if order.state == "open":
        declined = f'<p class="bad" data-test="declined">{MESSAGES[order.code]}</p>'
        return [
            declined if order.code else "",
            *(
                page.button(f"{base}/{name}", label, name, is_main=name == "pay")
                for name, label in _LABELS.items()
            ),
            back,
        ]
    if order.state == "pending":
        return [
            page.button(f"{base}/complete-pending", "Complete pending", "complete-pending"),
            page.button(f"{base}/fail-pending", "Fail pending", "fail-pending"),
            back,
        ]
    return [back]


def _return_url(order: Order) -> str:
    """Back to the seller with the order's name, and not a word about what came of it."""
    address = order.asked.return_url
    return f"{address}{'&' if '?' in address else '?'}orderId={quote(order.asked.id)}"


def _refused(error: MobilpayError) -> Response:
    body = f'<p class="bad" data-test="refused">{escape(str(error))}</p>'
    return page.shown(
        _TITLE, f'{body}<p>Code <code data-test="code">{error.code}</code></p>', status=400
    )
