"""Stripe's part of the panel: refunds, disputes and what is pending."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from html import escape

from sandbox import page
from sandbox import stripe_returns as returns
from sandbox import stripe_sessions as sessions
from sandbox.money import stripe_decimal, stripe_minor
from sandbox.payload import Payload
from sandbox.stripe_account import StripeAccount
from sandbox.stripe_errors import bad_param, missing

Pressed = Callable[[StripeAccount, Payload, Decimal | None], object]


def articles(account: StripeAccount) -> Iterator[str]:
    """Every session, newest first."""
    sessions.expire_due(account)
    for session in reversed(account.objects["checkout.session"].values()):
        currency = session["currency"].upper()
        amount = stripe_decimal(currency, session["amount_total"])
        yield (
            f'<article data-test="session-{escape(session["id"])}">'
            f"<b>{amount} {currency}</b> {escape(session['client_reference_id'] or '')}"
            f' <span data-test="state">{session["status"]} {session["payment_status"]}</span>'
            f"<br>{page.joined(_buttons(account, session))}</article>"
        )


def act(account: StripeAccount, id_: str, what: str, amount: Decimal | None) -> None:
    """Press a button; StripeError when there is nothing that it could act on."""
    subject = account.known(id_)
    if subject is None:
        raise missing("object", id_)
    pressed = _BUTTONS.get((subject["object"], what))
    if pressed is None:
        raise missing("button", what)
    pressed(account, subject, amount)


def _buttons(account: StripeAccount, session: Payload) -> Iterator[str]:
    if session["status"] == "open":
        yield f'<a href="{escape(session["url"])}">Pay page</a> '
        yield _button(account, session["id"], "expire", "Expire")
    intent = account.known(session["payment_intent"] or "")
    if intent is None:
        return
    if intent["status"] == "processing":
        yield _button(account, session["id"], "complete-pending", "Complete pending")
        yield _button(account, session["id"], "fail-pending", "Fail pending")
    if intent["status"] == "succeeded":
        charge = account.find("charge", intent["latest_charge"])
        yield from _of_charge(account, charge)


def _of_charge(account: StripeAccount, charge: Payload) -> Iterator[str]:
    left = charge["amount_captured"] - charge["amount_refunded"]
    yield page.fact("payment", charge["payment_intent"])
    if left:
        most = str(stripe_decimal(charge["currency"], left))
        base = f"{account.own_url}/panel/stripe/{charge['id']}"
        yield page.amount_button(f"{base}/refund", "Refund", "refund", most)
        yield page.amount_button(f"{base}/dispute", "Dispute", "dispute", most)
    for refund in account.objects["refund"].values():
        if refund["charge"] == charge["id"]:
            yield from _of_refund(account, refund)
    for dispute in account.objects["dispute"].values():
        if dispute["charge"] == charge["id"]:
            yield from _of_dispute(account, dispute)


def _of_refund(account: StripeAccount, refund: Payload) -> Iterator[str]:
    amount = stripe_decimal(refund["currency"], refund["amount"])
    yield page.fact("refund", f"{refund['id']} {amount} {refund['status']}")
    if refund["status"] == "succeeded":
        yield _button(account, refund["id"], "fail", "Fail refund")


def _of_dispute(account: StripeAccount, dispute: Payload) -> Iterator[str]:
    yield page.fact("dispute", f"{dispute['id']} {dispute['status']}")
    if dispute["status"] in ("won", "lost"):
        return
    if not dispute["balance_transactions"]:
        yield _button(account, dispute["id"], "withdraw", "Withdraw funds")
    yield _button(account, dispute["id"], "win", "Win")
    yield _button(account, dispute["id"], "lose", "Lose")


def _button(account: StripeAccount, id_: str, what: str, label: str) -> str:
    return page.button(f"{account.own_url}/panel/stripe/{id_}/{what}", label, what)


def _minor(charge: Payload, amount: Decimal | None) -> int | None:
    if amount is None:
        return None
    minor = stripe_minor(charge["currency"], amount)
    if minor is None:
        raise bad_param("amount", f"{amount} has digits that {charge['currency']} does not have")
    return minor


def _refund(account: StripeAccount, charge: Payload, amount: Decimal | None) -> None:
    returns.refund(account, charge, _minor(charge, amount), {})


def _dispute(account: StripeAccount, charge: Payload, amount: Decimal | None) -> None:
    returns.open_dispute(account, charge, _minor(charge, amount))


# By the kind of object and the button's name.
_BUTTONS: dict[tuple[str, str], Pressed] = {
    ("checkout.session", "complete-pending"): lambda it, of, _: sessions.complete_pending(it, of),
    ("checkout.session", "fail-pending"): lambda it, of, _: sessions.fail_pending(it, of),
    ("checkout.session", "expire"): lambda it, of, _: sessions.expire(it, of["id"]),
    ("charge", "refund"): _refund,
    ("charge", "dispute"): _dispute,
    ("refund", "fail"): lambda it, of, _: returns.fail_refund(it, of),
    ("dispute", "withdraw"): lambda it, of, _: returns.withdraw(it, of),
    ("dispute", "win"): lambda it, of, _: returns.win(it, of),
    ("dispute", "lose"): lambda it, of, _: returns.lose(it, of),
}
