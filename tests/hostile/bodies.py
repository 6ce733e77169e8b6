"""Rows 13, 14 and 54: bodies that are signed, and are no event that could mean one thing."""

from tests.gateways.deliveries import pretty
from tests.hostile.row import APPLIED, reported, unreadable
from tests.hostile.stripe_told import told


def _named(id_: str) -> bytes:
    return pretty({"id": id_, "object": "event", "type": "ping"})


def _with(value: bytes) -> bytes:
    return b'{"id": "evt_1", "object": "event", "type": "ping", "data": ' + value + b"}"


_PAID = ("receive", "allocate")

ROWS = (
    unreadable(13, "nothing", b""),
    unreadable(13, "no JSON", b"hello"),
    unreadable(13, "no UTF-8", b'{"id": "evt_1", "type": "\xff"}'),
    unreadable(13, "UTF-16", '{"id": "evt_1", "type": "ping"}'.encode("utf-16")),
    unreadable(13, "a byte order mark", b"\xef\xbb\xbf" + _named("evt_1")),
    unreadable(13, "an array", b'[{"id": "evt_1", "type": "ping"}]'),
    unreadable(13, "null", b"null"),
    unreadable(13, "a number", b"7"),
    unreadable(13, "a text", b'"evt_1"'),
    unreadable(13, "two events", _named("evt_1") + _named("evt_2")),
    unreadable(13, "no type", b'{"id": "evt_1", "object": "event"}'),
    unreadable(13, "a type that is a number", b'{"id": "evt_1", "type": 7}'),
    unreadable(14, "no id", b'{"object": "event", "type": "ping"}'),
    unreadable(14, "an empty id", _named("")),
    unreadable(14, "an id of 256", _named("e" * 256)),
    unreadable(14, "an id of 10 kB", _named("e" * 10_000)),
    unreadable(14, "an id that is a number", b'{"id": 7, "type": "ping"}'),
    unreadable(14, "an id that is null", b'{"id": null, "type": "ping"}'),
    unreadable(14, "an id that is a list", b'{"id": ["evt_1"], "type": "ping"}'),
    unreadable(14, "an id beyond ASCII", _named("evt_é")),
    unreadable(14, "an id with a line end", _named("evt_1\n")),
    unreadable(14, "an id with a NUL", _named("evt_1\0")),
    unreadable(14, "an id with half a character", b'{"id": "evt_\\ud800", "type": "ping"}'),
    unreadable(54, "depth 100,000", _with(b"[" * 100_000 + b"]" * 100_000)),
    unreadable(54, "depth 40,000 of objects", _with(b'{"a":' * 40_000 + b"1" + b"}" * 40_000)),
    unreadable(54, "depth 900", _with(b"[" * 900 + b"]" * 900)),
    unreadable(54, "an integer of 5,000 digits", _with(b"1" * 5_000)),
    unreadable(54, "a fraction of 5,000 digits", _with(b"0." + b"1" * 5_000)),
    unreadable(54, "NaN", _with(b"NaN")),
    unreadable(54, "Infinity", _with(b"Infinity")),
    unreadable(54, "minus Infinity", _with(b"-Infinity")),
    unreadable(54, "1e999", _with(b"1e999")),
    unreadable(54, "1e-999", _with(b"1e-999")),
    unreadable(54, "an exponent no decimal can hold", _with(b"1e9999999999999999999999")),
    unreadable(54, "a name twice", _with(b'{"amount": 1, "amount": 2}')),
    unreadable(54, "a name twice, once escaped", _with(b'{"amount": 1, "am\\u006funt": 1}')),
    unreadable(54, "the id twice", b'{"id": "evt_1", "type": "ping", "id": "evt_2"}'),
    reported(
        54,
        "a NUL where nobody looks",
        lambda scene: [told(scene, "intent_succeeded", {"description": "a\0b"})],
        events=[("done", None)],
        postings=_PAID,
        changes=APPLIED,
        is_other=True,
    ),
    reported(
        54,
        "half a character where nobody looks",
        lambda scene: [told(scene, "intent_succeeded", {"description": "\ud800"})],
        events=[("done", None)],
        postings=_PAID,
        changes=APPLIED,
        is_other=True,
    ),
)
