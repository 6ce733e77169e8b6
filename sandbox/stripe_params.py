"""Stripe's form encoding: `a[b][0][c]=v` into nested values, and what may be in them."""

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.payload import Payload
from sandbox.stripe_errors import bad_param, missing_param, unknown_param

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parsed(text: str) -> Payload:
    """A query or a form; lists come as `[0]`, `[1]` or as `[]`, and stay in their order."""
    root: Payload = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = _NAME.fullmatch(name)
        if match is None:
            raise unknown_param(name)
        _put(root, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value)
    nested: Payload = _lists(root)
    return nested


def only(params: Payload, *known: str) -> None:
    """Refuse what is not among the known names, as Stripe does."""
    for name in params:
        if name not in known:
            raise unknown_param(name)


def text(params: Payload, name: str, *, most: int = 5000) -> str | None:
    """A text; None when it is absent."""
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise bad_param(name, f"Invalid string: {name}")
    if len(value) > most:
        raise bad_param(name, f"Invalid string: {name}; must be at most {most} characters")
    return value


def required(params: Payload, name: str, *, most: int = 5000) -> str:
    """A text that must be there."""
    value = text(params, name, most=most)
    if value is None:
        raise missing_param(name)
    return value


def whole(params: Payload, name: str, default: int | None = None) -> int | None:
    """A whole number; the default when it is absent."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,15}", value):
        raise bad_param(name, f"Invalid integer: {value}")
    return int(value)


def needed(params: Payload, name: str) -> int:
    """A whole number that must be there."""
    value = whole(params, name)
    if value is None:
        raise missing_param(name)
    return value


def nested(params: Payload, name: str) -> Payload:
    """An object within; an empty one when it is absent."""
    value = params.get(name, {})
    if not isinstance(value, dict):
        raise bad_param(name, "Invalid object")
    return value


def metadata(params: Payload) -> dict[str, str]:
    """At most 50 entries, names of 40 characters, values of 500."""
    told = nested(params, "metadata")
    if len(told) > 50:
        raise bad_param("metadata", "Metadata can have at most 50 keys")
    for name, value in told.items():
        if len(name) > 40 or not isinstance(value, str) or len(value) > 500:
            raise bad_param(f"metadata[{name}]", "Metadata keys have 40 characters, values 500")
    return dict(told)


def listed(params: Payload, name: str) -> list[Any]:
    """A list; an empty one when it is absent."""
    value = params.get(name, [])
    if not isinstance(value, list):
        raise bad_param(name, "Invalid array")
    return value


def _put(node: Payload, path: list[str], value: str) -> None:
    for index, part in enumerate(path):
        name = part or str(len(node))
        if index == len(path) - 1:
            node[name] = value
            return
        inner = node.setdefault(name, {})
        if not isinstance(inner, dict):
            raise unknown_param(".".join(path))
        node = inner


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    inner = {name: _lists(value) for name, value in node.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
