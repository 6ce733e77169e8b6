"""Ids as the outside sees them: a row's number dressed as a UUID that also says what it is.

The books number their rows; a UUIDv8 (RFC 9562 leaves its bits to the maker) carries that number
and the kind of row, so an id needs no second column, sorts like the row, and an invoice's id is
never mistaken for a payment's.
"""

from enum import IntEnum
from uuid import UUID

_MARK = 0x696E6361  # "inca"
_VERSION_8 = 0x8000
_VARIANT = 0x8000 << 48
_NUMBER_BITS = (1 << 60) - 1


class Kind(IntEnum):
    """What a public id names."""

    CLIENT = 1
    INVOICE = 2
    PAYMENT = 3
    REFUND = 4


def public(kind: Kind, number: int) -> UUID:
    """The id shown outside for row `number`."""
    assert 0 < number <= _NUMBER_BITS
    high = _MARK << 32 | kind << 16 | _VERSION_8
    return UUID(int=high << 64 | _VARIANT | number)


def number(kind: Kind, text: str) -> int | None:
    """The row number behind a public id of this kind; None for any other text."""
    try:
        given = UUID(text)
    except ValueError:
        return None
    row = given.int & _NUMBER_BITS
    return row if row and given == public(kind, row) else None
