"""JSON as a money report must be: every number exact, every name once, nothing deep."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MOST_DEPTH = 64
_MOST_DIGITS = 40

# Half a character, or none: what such an escape makes of a text no store and no log can hold.
_SUSPICIOUS = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")


class Malformed(ValueError):  # noqa: N818 - named after what the text is, as the errors of the domain
    """The text is no JSON that could be trusted to mean one thing."""


def parse(raw: bytes) -> Any:
    """The value of a UTF-8 JSON text; numbers with a point become Decimal, never float."""
    try:
        value = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:  # their texts show positions, never content
        raise Malformed(str(error)) from None
    # Few brackets cannot nest deep: the costly look is rare.
    if raw.count(b"{") + raw.count(b"[") > MOST_DEPTH:
        _refuse_depth(value)
    return value


def parse_storable(raw: bytes) -> Any:
    """The same, for a text whose every string may end up in a row or a log.

    A report of money is parsed without this: a NUL in a field nobody reads must not lose it.
    """
    value = parse(raw)
    if b"\\u" in raw and _SUSPICIOUS.search(raw):
        _refuse_unprintable(value)
    return value


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_DEPTH):
        children = (child for parent in level for child in _children(parent))
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise Malformed("too deep")


def _refuse_unprintable(value: Any) -> None:
    left = [value]
    while left:
        found = left.pop()
        if isinstance(found, str) and ("\0" in found or _is_half(found)):
            raise Malformed("a NUL or half a character")
        left.extend(_children(found))
        if isinstance(found, dict):
            left.extend(found)


def _children(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def _is_half(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a name twice in one object")
    return found


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal itself can hold; no ValueError
        raise Malformed("a number beyond all measure") from None
    if len(text) > _MOST_DIGITS or abs(number.adjusted()) > _MOST_DIGITS:
        raise Malformed("a number beyond all measure")
    return number


def _constant(_: str) -> NoReturn:
    raise Malformed("NaN or Infinity")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_constant=_constant
)
