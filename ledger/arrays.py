"""Columns of a batch on their way to the server: lists as array literals, written in one go.

psycopg writes an array element by element, which was a third of what settling a batch cost. The
literal has no type of its own: each statement casts it, as in `CAST(:ids AS bigint[])`.
"""

from collections.abc import Sequence
from datetime import date, datetime

import psycopg
from psycopg import pq
from psycopg.adapt import Dumper

# What is never quoted: nothing in their texts means something to an array literal.
_PLAIN = {int, date, datetime}
_PLAIN_OR_NONE = {*_PLAIN, type(None)}


class _Literal(Dumper):
    """A flat list of one kind of value, None among them, as PostgreSQL reads it: {1,2,NULL}."""

    format = pq.Format.TEXT
    oid = 0

    def dump(self, obj: Sequence[object]) -> bytes:
        return literal(obj).encode()


def teach(connection: psycopg.Connection) -> None:
    """Makes this connection write every list as a literal."""
    connection.adapters.register_dumper(list, _Literal)


def literal(column: Sequence[object]) -> str:
    """The array literal of a column. psycopg.DataError where a text holds a NUL, as no text may."""
    kinds = set(map(type, column))
    if kinds <= _PLAIN:
        return "{" + ",".join(map(str, column)) + "}"
    if kinds <= _PLAIN_OR_NONE:
        return "{" + ",".join("NULL" if each is None else str(each) for each in column) + "}"
    if kinds == {str}:
        return _texts(column)  # type: ignore[arg-type] # as `kinds` says
    return "{" + ",".join(map(_element, column)) + "}"


def _texts(column: Sequence[str]) -> str:
    """Quoted at once: where no text holds a quote or a backslash there is nothing to escape."""
    joined = '","'.join(column)
    if "\\" in joined or joined.count('"') != 2 * (len(column) - 1):
        return "{" + ",".join(map(_element, column)) + "}"
    _refuse_nul(joined)
    return '{"' + joined + '"}'


def _element(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "t" if value else "f"
        case bytes():
            return f'"\\\\x{value.hex()}"'
        case _:
            text = str(value)
            _refuse_nul(text)
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refuse_nul(text: str) -> None:
    if "\0" in text:
        raise psycopg.DataError("a text with a NUL cannot be stored")
