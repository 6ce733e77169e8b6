"""Events that are JSON objects: as they arrive, and as they are read once they are kept."""

from collections.abc import Mapping
from typing import Any

from domain.errors import Refused
from gateways import strict_json
from gateways.port import Unreadable


def arrived(body: bytes) -> Mapping[str, Any]:
    """The event in a body that is genuine; Unreadable when it is no JSON object."""
    try:
        event = strict_json.parse(body)
    except strict_json.Malformed as error:
        raise Unreadable(f"the body is no strict JSON: {error}") from error
    if not isinstance(event, dict):
        raise Unreadable("the body is no JSON object")
    return event


def kept(raw: bytes) -> Mapping[str, Any]:
    """The event, or the answer, in a kept body; Refused when it is none."""
    try:
        told = strict_json.parse(raw)
    except strict_json.Malformed as error:
        raise Refused("malformed_event", f"no strict JSON: {error}") from error
    if not isinstance(told, dict):
        raise Refused("malformed_event", "it is no event")
    return told


def text(event: Mapping[str, Any], field: str) -> str:
    """A text that the envelope needs; Unreadable without it."""
    value = event.get(field)
    if not isinstance(value, str):
        raise Unreadable(f"{field} is no text")
    return value
