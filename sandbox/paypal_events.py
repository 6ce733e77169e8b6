"""PayPal's list of the events it made, by which one finds what never arrived."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from sandbox.payload import Payload
from sandbox.paypal_account import PaypalAccount, link
from sandbox.paypal_errors import invalid, not_found

_PATH = "/paypal/v1/notifications/webhooks-events"
_FILTERS = ("page_size", "start_time", "end_time", "event_type", "transaction_id", "cursor")


def listed(account: PaypalAccount, query: Mapping[str, str]) -> Payload:
    """One page, newest first; the link `next` leads on while there is more."""
    for name in query:
        if name not in _FILTERS:
            raise invalid(name)
    size = query.get("page_size", "10")
    if not size.isdecimal() or not 1 <= int(size) <= 300:
        raise invalid("page_size")
    fitting = [each for each in reversed(account.events.values()) if _fits(each, query)]
    if "cursor" in query:
        places = [place for place, each in enumerate(fitting) if each["id"] == query["cursor"]]
        if not places:
            raise invalid("cursor")
        fitting = fitting[places[0] + 1 :]
    shown = fitting[: int(size)]
    links = [link(_address(account, query), "self", "GET")]
    if len(fitting) > len(shown):
        onward = {**query, "cursor": shown[-1]["id"]}
        links.append(link(_address(account, onward), "next", "GET"))
    return {"events": shown, "count": len(shown), "links": links}


def found(account: PaypalAccount, id_: str) -> Payload:
    """One event; PaypalError 404 when there is none."""
    if id_ not in account.events:
        raise not_found()
    return account.events[id_]


def resend(account: PaypalAccount, id_: str) -> Payload:
    """Send an event once more, under a new transmission id."""
    event = found(account, id_)
    account.post.resend(id_)
    return event


def _address(account: PaypalAccount, query: Mapping[str, str]) -> str:
    return f"{account.own_url}{_PATH}?{urlencode(query)}"


def _fits(event: Payload, query: Mapping[str, str]) -> bool:
    at = datetime.fromisoformat(event["create_time"])
    if "start_time" in query and at < _instant(query["start_time"], "start_time"):
        return False
    if "end_time" in query and at > _instant(query["end_time"], "end_time"):
        return False
    if event["event_type"] != query.get("event_type", event["event_type"]):
        return False
    id_ = event["resource"].get("id")
    return bool(id_ == query.get("transaction_id", id_))


def _instant(text: str, name: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name) from None
    if instant.tzinfo is None:
        raise invalid(name)
    return instant
