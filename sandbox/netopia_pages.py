"""NETOPIA's hosted page, `/netopia/ui/card`: where a customer pays by card, or does not."""

from html import escape
from typing import get_args
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import netopia_payments as payments
from sandbox import page
from sandbox.netopia_account import OPEN, WAITING, NetopiaAccount, Payment, Status
from sandbox.netopia_errors import NetopiaError

_CHOICES: tuple[payments.Choice, ...] = get_args(payments.Choice)
_LABELS = {"pay": "Pay", "decline": "Decline", "leave-pending": "Leave pending"}
_OTHERS = {
    "leave-in-review": "Leave in fraud review",
    "ask-3ds": "Ask for 3-D Secure",
    "fail-at-bank": "Fail at the bank",
}
_ENDS = {"complete-pending": "Complete pending", "fail-pending": "Fail pending"}


def routes(account: NetopiaAccount) -> list[Route]:
    """The page, and what its buttons do. To look at it changes nothing but what time does."""

    async def look(request: Request) -> Response:
        return _page(account, request.query_params.get("p", ""))

    async def act(request: Request) -> Response:
        return _acted(account, request.path_params["page"], request.path_params["choice"])

    return [
        Route("/ui/card", look, methods=["GET"]),
        Route("/ui/card/{page}/{choice}", act, methods=["POST"]),
    ]


def _acted(account: NetopiaAccount, name: str, choice: str) -> Response:
    account.expire_due()
    try:
        payment = account.on_page(name)
    except NetopiaError:
        return _page(account, name)
    if choice in _CHOICES:
        payments.choose(account, payment, _CHOICES[_CHOICES.index(choice)])
    elif choice == "complete-pending":
        payments.complete_pending(account, payment)
    elif choice == "fail-pending":
        payments.fail_pending(account, payment)
    else:
        return page.shown("Not found", "<p>There is no such button.</p>", status=404)
    if payment.status in (*OPEN, Status.EXPIRED):
        return page.seen_other(payments.page_url(account, payment))
    return page.seen_other(return_url(payment))


def return_url(payment: Payment) -> str:
    """Where the customer goes afterwards; that the order id goes along is a guess."""
    address = str(payment.config["redirectUrl"])
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'orderId': payment.order_id})}"


def _page(account: NetopiaAccount, name: str) -> Response:
    account.expire_due()
    try:
        payment = account.on_page(name)
    except NetopiaError:
        text = '<p data-test="state">There is no such payment.</p>'
        return page.shown("Pretend NETOPIA", text, status=404)
    parts = [
        page.amount(str(payment.amount), payment.currency),
        page.fact("payment", payment.ntp_id),
        page.fact("reference", payment.order_id),
        page.fact("state", f"{int(payment.status)} {payment.status.name.lower()}"),
        *_buttons(account, payment),
    ]
    return page.shown("Pretend NETOPIA", page.joined(parts))


def _buttons(account: NetopiaAccount, payment: Payment) -> list[str]:
    base = f"{account.own_url}/netopia/ui/card/{payment.page}"
    if payment.status in OPEN:
        others = [page.button(f"{base}/{name}", label, name) for name, label in _OTHERS.items()]
        declined = '<p class="bad" data-test="declined">That did not work; try again.</p>'
        return [
            declined if payment.status is not Status.NEW else "",
            *(
                page.button(f"{base}/{name}", label, name, is_main=name == "pay")
                for name, label in _LABELS.items()
            ),
            _back(payment.config.get("cancelUrl"), "cancel"),
            f"<details><summary>Other ways</summary>{page.joined(others)}</details>",
        ]
    if payment.status in WAITING:
        ends = [page.button(f"{base}/{name}", label, name) for name, label in _ENDS.items()]
        return [*ends, _back(return_url(payment), "return")]
    if payment.status is Status.EXPIRED:
        return ['<p data-test="expired">This payment has expired.</p>']
    return [_back(return_url(payment), "return")]


def _back(address: object, name: str) -> str:
    if not isinstance(address, str) or not address:
        return ""
    return f'<p><a href="{escape(address)}" data-test="{name}">Back to the seller</a></p>'
