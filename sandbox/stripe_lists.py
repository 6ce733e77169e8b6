"""Stripe's lists, newest first, and objects shown within objects."""

from collections.abc import Iterable
from typing import Any

from sandbox import stripe_params as given
from sandbox.payload import Payload, copied
from sandbox.stripe_account import StripeAccount
from sandbox.stripe_errors import bad_param

_BOUNDS = ("gt", "gte", "lt", "lte")
_PAGING = ("limit", "starting_after", "ending_before", "expand", "created")


def page(
    account: StripeAccount, path: str, objects: Iterable[Payload], params: Payload, *fields: str
) -> Payload:
    """One page of the objects that fit: by `created`, by the fields named, by place in the list."""
    given.only(params, *_PAGING, *fields)
    fitting = [
        each
        for each in reversed(list(objects))
        if _in_time(each, params) and all(_fits(each, params, field) for field in fields)
    ]
    limit = given.whole(params, "limit", 10)
    if limit is None or not 1 <= limit <= 100:
        raise bad_param("limit", "Limit must be between 1 and 100")
    shown, has_more = _cut(fitting, params, limit)
    answer: Payload = {
        "object": "list",
        "data": [copied(each) for each in shown],
        "has_more": has_more,
        "url": path,
    }
    return expanded(account, answer, params)


def expanded(account: StripeAccount, payload: Payload, params: Payload) -> Payload:
    """A copy in which each path of `expand` shows the object instead of its id."""
    answer = copied(payload)
    for path in given.listed(params, "expand"):
        if not isinstance(path, str) or path.count(".") > 3:
            raise bad_param("expand", "You cannot expand more than 4 levels of a property.")
        _expand(account, answer, path.split("."), path)
    return answer


def _expand(account: StripeAccount, node: Any, path: list[str], whole: str) -> None:
    if isinstance(node, list):
        for each in node:
            _expand(account, each, path, whole)
        return
    if not path or node is None:
        return
    field = path[0]
    if not isinstance(node, dict) or field not in node:
        raise bad_param("expand", f"This property cannot be expanded ({whole}).")
    if isinstance(node[field], str):
        known = account.known(node[field])
        if known is None:
            raise bad_param("expand", f"This property cannot be expanded ({whole}).")
        node[field] = copied(known)
    _expand(account, node[field], path[1:], whole)


def _in_time(each: Payload, params: Payload) -> bool:
    wanted = params.get("created")
    if wanted is None:
        return True
    created: int = each["created"]
    if isinstance(wanted, str):
        return created == given.whole(params, "created")
    bounds = given.nested(params, "created")
    given.only(bounds, *_BOUNDS)
    holds = {
        "gt": int.__gt__,
        "gte": int.__ge__,
        "lt": int.__lt__,
        "lte": int.__le__,
    }
    return all(holds[name](created, given.needed(bounds, name)) for name in bounds)


def _fits(each: Payload, params: Payload, field: str) -> bool:
    wanted = params.get(field)
    if wanted is None:
        return True
    if field == "types":
        return bool(each["type"] in given.listed(params, field))
    if field == "delivery_success":
        return bool(each.get("delivered")) == (str(wanted) == "true")
    return bool(each[field] == wanted)


def _cut(fitting: list[Payload], params: Payload, limit: int) -> tuple[list[Payload], bool]:
    after, before = given.text(params, "starting_after"), given.text(params, "ending_before")
    if after is not None and before is not None:
        raise bad_param("ending_before", "Only one of starting_after and ending_before is taken")
    if before is not None:
        newer = fitting[: _place(fitting, before, "ending_before")]
        return newer[-limit:], len(newer) > limit
    if after is not None:
        fitting = fitting[_place(fitting, after, "starting_after") + 1 :]
    return fitting[:limit], len(fitting) > limit


def _place(fitting: list[Payload], id_: str, param: str) -> int:
    for place, each in enumerate(fitting):
        if each["id"] == id_:
            return place
    raise bad_param(param, f"No such object: '{id_}'", "resource_missing")
