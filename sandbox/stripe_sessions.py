"""Checkout Sessions: made, expired, and what the customer does on their page."""

from typing import Literal
from urllib.parse import quote

from sandbox import stripe_params as given
from sandbox import stripe_payments as payments
from sandbox import stripe_shapes as shapes
from sandbox.money import STRIPE_CURRENCIES
from sandbox.payload import Payload
from sandbox.stripe_account import StripeAccount
from sandbox.stripe_errors import bad_param, missing_param, not_now

_SHORTEST_SECONDS, _LONGEST_SECONDS = 30 * 60, 24 * 3600
_MOST_MINOR = 99_999_999

# What about 0.50 USD is; elsewhere nothing is too small.
_LEAST_MINOR = {"usd": 50, "eur": 50, "gbp": 30, "ron": 200}
_PRODUCT = ("name", "description")
_PRICE = ("currency", "unit_amount", "product_data")

Choice = Literal["pay", "decline", "leave-pending"]


def create(account: StripeAccount, params: Payload) -> Payload:
    """An open session, as its maker wants it; StripeError says which parameter is wrong."""
    given.only(
        params,
        *("mode", "client_reference_id", "metadata", "payment_intent_data", "line_items"),
        *("success_url", "cancel_url", "expires_at", "customer_email", "locale", "submit_type"),
        *("payment_method_types", "ui_mode", "expand"),
    )
    if given.required(params, "mode") != "payment":
        raise bad_param("mode", "Invalid mode: the sandbox has `payment` only")
    amount, currency = _total(params)
    now = account.second()
    id_ = account.ids.stripe("cs_test")
    told = {
        "cancel_url": given.text(params, "cancel_url"),
        "client_reference_id": given.text(params, "client_reference_id", most=200),
        "currency": currency,
        "customer_email": given.text(params, "customer_email", most=512),
        "expires_at": _expires_at(params, now),
        "locale": given.text(params, "locale"),
        "metadata": given.metadata(params),
        "submit_type": given.text(params, "submit_type"),
        "success_url": given.required(params, "success_url"),
        "url": page_url(account, id_),
    }
    intended = given.nested(params, "payment_intent_data")
    given.only(intended, "metadata", "description")
    account.intended[id_] = {
        "metadata": given.metadata(intended),
        "description": given.text(intended, "description"),
    }
    return account.keep(shapes.session(id_, now, amount, told))


def expire(account: StripeAccount, id_: str) -> Payload:
    """Close a session that is open; StripeError when it is not."""
    session = account.find("checkout.session", id_)
    if session["status"] != "open":
        raise not_now(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
            f" Session has a status of {session['status']}."
        )
    _close(account, session)
    return session


def expire_due(account: StripeAccount) -> None:
    """Close every open session whose time is over."""
    now = account.second()
    for session in list(account.objects["checkout.session"].values()):
        if session["status"] == "open" and session["expires_at"] <= now:
            _close(account, session)


def choose(account: StripeAccount, session: Payload, choice: Choice) -> None:
    """What the customer does on the page; nothing when the session is no longer open."""
    if session["status"] != "open":
        return
    intent = payments.intent_of(account, session)
    if choice == "decline":
        payments.decline(account, intent)
        return
    session.update(status="complete", url=None, customer_details=shapes.customer())
    if choice == "pay":
        payments.succeed(account, intent, payments.attempt(account, intent))
        session["payment_status"] = "paid"
    else:
        payments.leave_pending(account, intent)
    account.emit("checkout.session.completed", session)


def complete_pending(account: StripeAccount, session: Payload) -> None:
    """The money of a delayed method arrived; nothing when none is awaited."""
    intent = payments.awaited(account, session)
    if intent is None:
        return
    payments.succeed(account, intent, account.find("charge", intent["latest_charge"]))
    session["payment_status"] = "paid"
    account.emit("checkout.session.async_payment_succeeded", session)


def fail_pending(account: StripeAccount, session: Payload) -> None:
    """The money of a delayed method will not come; nothing when none is awaited."""
    intent = payments.awaited(account, session)
    if intent is None:
        return
    payments.fail(account, intent, account.find("charge", intent["latest_charge"]))
    account.emit("checkout.session.async_payment_failed", session)


def page_url(account: StripeAccount, id_: str) -> str:
    """Where the customer pays."""
    return f"{account.own_url}/stripe/pay/{id_}"


def return_url(session: Payload) -> str:
    """Where the customer goes after paying, the session named where its maker asked for it."""
    target: str = session["success_url"]
    return target.replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))


def _close(account: StripeAccount, session: Payload) -> None:
    session.update(status="expired", url=None)
    if session["payment_intent"]:
        payments.cancel(account, account.find("payment_intent", session["payment_intent"]))
    account.emit("checkout.session.expired", session)


def _total(params: Payload) -> tuple[int, str]:
    items = given.listed(params, "line_items")
    if not items:
        raise missing_param("line_items")
    amounts = [_item(item, f"line_items[{place}]") for place, item in enumerate(items)]
    total = sum(amount for amount, _ in amounts)
    currency = amounts[0][1]
    if {other for _, other in amounts} != {currency}:
        raise bad_param("line_items", "All line items must have the same currency")
    if total < _LEAST_MINOR.get(currency, 1):
        message = "The Checkout Session's total amount must convert to at least 50 cents."
        raise bad_param("line_items", message, "amount_too_small")
    if total > _MOST_MINOR:
        raise bad_param("line_items", "The total amount is too large.", "amount_too_large")
    return total, currency


def _item(item: object, where: str) -> tuple[int, str]:
    if not isinstance(item, dict):
        raise bad_param(where, "Invalid object")
    given.only(item, "quantity", "price_data")
    price = given.nested(item, "price_data")
    given.only(price, *_PRICE)
    product = given.nested(price, "product_data")
    given.only(product, *_PRODUCT)
    given.required(product, "name")
    currency = given.required(price, "currency").lower()
    if currency.upper() not in STRIPE_CURRENCIES:
        raise bad_param(f"{where}[price_data][currency]", f"Invalid currency: {currency}")
    unit, quantity = given.whole(price, "unit_amount"), given.whole(item, "quantity")
    if unit is None or quantity is None:
        raise missing_param(f"{where}[{'quantity' if unit is not None else 'price_data'}]")
    if unit < 0 or quantity < 1:
        raise bad_param(where, "This value must be greater than or equal to 1.")
    return unit * quantity, currency


def _expires_at(params: Payload, now: int) -> int:
    wanted = given.whole(params, "expires_at", now + _LONGEST_SECONDS)
    assert wanted is not None
    if not now + _SHORTEST_SECONDS <= wanted <= now + _LONGEST_SECONDS:
        raise bad_param(
            "expires_at",
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout"
            " Session creation.",
        )
    return wanted
