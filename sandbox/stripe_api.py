"""Stripe's API under `/stripe/v1`: the calls that are documented as used, and no other."""

from starlette.routing import Route

from sandbox import stripe_lists as lists
from sandbox import stripe_params as given
from sandbox import stripe_returns as returns
from sandbox import stripe_sessions as sessions
from sandbox.payload import Payload
from sandbox.stripe_account import Kind, StripeAccount
from sandbox.stripe_calls import Act, Call, endpoint, not_pretended
from sandbox.stripe_errors import missing


def routes(account: StripeAccount) -> list[Route]:
    """Every call, and at last an error in Stripe's shape for all others."""
    offered: list[tuple[str, str, Act]] = [
        ("POST", "/checkout/sessions", lambda call: _new_session(account, call)),
        ("GET", "/checkout/sessions/{id}", _shown(account, "checkout.session")),
        ("POST", "/checkout/sessions/{id}/expire", lambda call: _expired(account, call)),
        ("GET", "/payment_intents", _listed(account, "payment_intent")),
        ("GET", "/payment_intents/{id}", _shown(account, "payment_intent")),
        ("GET", "/charges", _listed(account, "charge", "payment_intent")),
        ("GET", "/charges/{id}", _shown(account, "charge")),
        ("POST", "/refunds", lambda call: _new_refund(account, call)),
        ("GET", "/refunds", _listed(account, "refund", "payment_intent", "charge")),
        ("GET", "/refunds/{id}", _shown(account, "refund")),
        ("GET", "/disputes", _listed(account, "dispute", "payment_intent", "charge")),
        ("GET", "/disputes/{id}", _shown(account, "dispute")),
        ("GET", "/balance_transactions/{id}", _shown(account, "balance_transaction")),
        ("GET", "/events", lambda call: _events(account, call)),
        ("GET", "/events/{id}", lambda call: _event(account, call)),
    ]
    calls = [
        Route(f"/v1{path}", endpoint(account, act), methods=[method])
        for method, path, act in offered
    ]
    return [*calls, Route("/v1/{rest:path}", not_pretended, methods=["GET", "POST", "DELETE"])]


def _new_session(account: StripeAccount, call: Call) -> Payload:
    return lists.expanded(account, sessions.create(account, call.params), call.params)


def _expired(account: StripeAccount, call: Call) -> Payload:
    given.only(call.params, "expand")
    sessions.expire_due(account)
    session = sessions.expire(account, call.names["id"])
    return lists.expanded(account, session, call.params)


def _new_refund(account: StripeAccount, call: Call) -> Payload:
    return lists.expanded(account, returns.create_refund(account, call.params), call.params)


def _shown(account: StripeAccount, kind: Kind) -> Act:
    def show(call: Call) -> Payload:
        given.only(call.params, "expand")
        sessions.expire_due(account)
        return lists.expanded(account, account.find(kind, call.names["id"]), call.params)

    return show


def _listed(account: StripeAccount, kind: Kind, *fields: str) -> Act:
    def show(call: Call) -> Payload:
        sessions.expire_due(account)
        objects = account.objects[kind].values()
        return lists.page(account, call.path, objects, call.params, *fields)

    return show


def _events(account: StripeAccount, call: Call) -> Payload:
    told = account.post.delivered
    known = [{**event, "delivered": event["id"] in told} for event in account.events.values()]
    fields = ("type", "types", "delivery_success")
    answer = lists.page(account, call.path, known, call.params, *fields)
    for event in answer["data"]:
        del event["delivered"]
    return answer


def _event(account: StripeAccount, call: Call) -> Payload:
    given.only(call.params)
    event_id = call.names["id"]
    if event_id not in account.events:
        raise missing("event", event_id)
    return account.events[event_id]
