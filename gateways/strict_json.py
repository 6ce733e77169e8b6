"""JSON as a money report must be: every number exact, every name once, nothing deep or hidden."""

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

MOST_DEPTH = 64
_MOST_DIGITS = 40

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NUL = b"\\u0000"


class Malformed(ValueError):  # noqa: N818 - named after what the text is, as the errors of the domain
    """The text is no JSON that could be trusted to mean one thing."""


def parse(raw: bytes) -> Any:
    """The value of a UTF-8 JSON text; numbers with a point become Decimal, never float."""
    if _NUL in raw:
        raise Malformed("a NUL character")
    try:
        value = _DECODER.decode(raw.decode())
    except RecursionError:
        raise Malformed("too deep") from None
    except ValueError as error:  # no UTF-8, no JSON, or an integer of thousands of digits
        raise Malformed(type(error).__name__) from None
    # Few brackets cannot nest deep, and most texts have no surrogate: the costly looks are rare.
    if raw.count(b"{") + raw.count(b"[") > MOST_DEPTH:
        _refuse_depth(value)
    if _SURROGATE.search(raw):
        _refuse_lone_surrogates(value)
    return value


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise Malformed("too deep")


def _children(value: Any) -> Any:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise Malformed("a lone surrogate") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a name twice in one object")
    return found


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > _MOST_DIGITS or abs(number.adjusted()) > _MOST_DIGITS:
        raise Malformed("a number beyond all measure")
    return number


def _constant(_: str) -> NoReturn:
    raise Malformed("NaN or Infinity")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_constant=_constant
)
