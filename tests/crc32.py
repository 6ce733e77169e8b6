"""Another body with the same checksum: any JSON text can be given any CRC-32."""

import zlib

_SIGNS = 64  # of white space; 32 bits must be reached, and each sign has one
_SPACE, _TAB = b" \t"


def collision(body: bytes, checksum: int) -> bytes:
    """The JSON text, with spaces and tabs at its end, so that it has this checksum.

    CRC-32 is linear: what a tab in place of a space changes does not depend on the other signs, so
    that the right choice is the solution of 32 equations of two values each.
    """
    base = body + bytes([_SPACE]) * _SIGNS
    changes = [_checksum_with_tabs(base, {len(body) + at}) for at in range(_SIGNS)]
    plain = zlib.crc32(base)
    chosen = _solved([change ^ plain for change in changes], plain ^ checksum)
    found = _with_tabs(base, {len(body) + at for at in chosen})
    assert zlib.crc32(found) == checksum
    return found


def _solved(changes: list[int], wanted: int) -> set[int]:
    """Which of the changes make up what is wanted, by elimination."""
    basis: dict[int, tuple[int, int]] = {}
    for at, change in enumerate(changes):
        left, made_of = change, 1 << at
        while left and left.bit_length() in basis:
            part, parts = basis[left.bit_length()]
            left, made_of = left ^ part, made_of ^ parts
        if left:
            basis[left.bit_length()] = (left, made_of)
    chosen = 0
    while wanted:
        part, made_of = basis[wanted.bit_length()]
        wanted, chosen = wanted ^ part, chosen ^ made_of
    return {at for at in range(len(changes)) if chosen >> at & 1}


def _checksum_with_tabs(base: bytes, places: set[int]) -> int:
    return zlib.crc32(_with_tabs(base, places))


def _with_tabs(base: bytes, places: set[int]) -> bytes:
    return bytes(_TAB if at in places else sign for at, sign in enumerate(base))
