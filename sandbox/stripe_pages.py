"""Stripe's hosted page under `/stripe/pay`: where a customer pays, declines or lets it wait."""

from html import escape
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import page
from sandbox import stripe_sessions as sessions
from sandbox.money import stripe_decimal
from sandbox.payload import Payload
from sandbox.stripe_account import StripeAccount
from sandbox.stripe_errors import StripeError

_CHOICES: tuple[sessions.Choice, ...] = get_args(sessions.Choice)


def routes(account: StripeAccount) -> list[Route]:
    """The page, and what its buttons do. To look at it changes nothing."""

    async def look(request: Request) -> Response:
        return _page(account, request.path_params["id"])

    async def act(request: Request) -> Response:
        return _acted(account, request.path_params["id"], request.path_params["choice"])

    return [
        Route("/pay/{id}", look, methods=["GET"]),
        Route("/pay/{id}/{choice}", act, methods=["POST"]),
    ]


def _acted(account: StripeAccount, id_: str, choice: str) -> Response:
    sessions.expire_due(account)
    try:
        session = account.find("checkout.session", id_)
    except StripeError:
        return _page(account, id_)
    if choice in _CHOICES:
        sessions.choose(account, session, _CHOICES[_CHOICES.index(choice)])
    elif choice == "complete-pending":
        sessions.complete_pending(account, session)
    elif choice == "fail-pending":
        sessions.fail_pending(account, session)
    else:
        return page.shown("Not found", "<p>There is no such button.</p>", status=404)
    if choice != "decline" and session["status"] == "complete":
        return page.seen_other(sessions.return_url(session))
    return page.seen_other(sessions.page_url(account, id_))


def _page(account: StripeAccount, id_: str) -> Response:
    sessions.expire_due(account)
    try:
        session = account.find("checkout.session", id_)
    except StripeError:
        text = '<p data-test="state">There is no such Checkout Session.</p>'
        return page.shown("Pretend Stripe", text, status=404)
    parts = [
        page.amount(
            str(stripe_decimal(session["currency"], session["amount_total"])),
            session["currency"].upper(),
        ),
        page.fact("session", session["id"]),
        page.fact("reference", session["client_reference_id"] or "-"),
        page.fact("state", f"{session['status']} {session['payment_status']}"),
        *_buttons(account, session),
    ]
    return page.shown("Pretend Stripe", page.joined(parts))


def _buttons(account: StripeAccount, session: Payload) -> list[str]:
    base = f"{account.own_url}/stripe/pay/{session['id']}"
    intent = account.known(session["payment_intent"] or "")
    if session["status"] == "open":
        declined = intent is not None and intent["last_payment_error"]
        return [
            '<p class="bad" data-test="declined">Your card was declined.</p>' if declined else "",
            page.button(f"{base}/pay", "Pay", "pay", is_main=True),
            page.button(f"{base}/decline", "Decline", "decline"),
            page.button(f"{base}/leave-pending", "Leave pending", "leave-pending"),
            _back(session["cancel_url"], "cancel"),
        ]
    if intent is not None and intent["status"] == "processing":
        return [
            page.button(f"{base}/complete-pending", "Complete pending", "complete-pending"),
            page.button(f"{base}/fail-pending", "Fail pending", "fail-pending"),
            _back(sessions.return_url(session), "return"),
        ]
    if session["status"] == "complete":
        return [_back(sessions.return_url(session), "return")]
    return ['<p data-test="expired">This session has expired.</p>']


def _back(address: str | None, name: str) -> str:
    if not address:
        return ""
    return f'<p><a href="{escape(address)}" data-test="{name}">Back to the seller</a></p>'
