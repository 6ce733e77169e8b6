"""A text that could mean two things means nothing."""

from decimal import Decimal

import pytest

from gateways import strict_json
from gateways.strict_json import MOST_DEPTH, Malformed


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_numbers_are_exact():
    assert strict_json.parse(b'{"a": 10.10, "b": 12050, "c": -1e2}') == {
        "a": Decimal("10.10"),
        "b": 12050,
        "c": Decimal("-1E+2"),
    }


DOUBTFUL = {
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"amount": Infinity}',
    "minus Infinity": b'{"amount": -Infinity}',
    "1e999": b'{"amount": 1e999}',
    "1e-999": b'{"amount": 1e-999}',
    "an exponent beyond any decimal": b'{"amount": 1e9999999999999999999999}',
    "an exponent of 5,000 digits": b'{"amount": -1e-' + b"9" * 5_000 + b"}",
    "a fraction of 5,000 digits": b'{"amount": 0.' + b"1" * 5_000 + b"}",
    "an integer of 5,000 digits": b'{"amount": ' + b"1" * 5_000 + b"}",
    "a name twice": b'{"amount": 1, "amount": 2}',
    "a name twice, once escaped": b'{"amount": 1, "am\\u006funt": 2}',
    "a name twice, deep inside": b'{"data": [{"amount": 1, "amount": 1}]}',
    "a bare NUL": b'{"name": "a\x00b"}',
    "a comment": b'{"a": 1} // x',
    "two values": b"{} {}",
    "a single quote": b"{'a': 1}",
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "nothing": b"",
    "one level too deep": nested(MOST_DEPTH + 1),
    "depth 900": nested(900),
    "depth 100,000": nested(100_000),
    "depth 100,000 of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("raw", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_doubtful_text_is_malformed(raw: bytes):
    with pytest.raises(Malformed):
        strict_json.parse(raw)


UNSTORABLE = {
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a lone surrogate as a name": b'{"\\uDFFF": 1}',
    "NUL": b'{"name": "a\\u0000b"}',
}


@pytest.mark.parametrize("raw", UNSTORABLE.values(), ids=UNSTORABLE.keys())
def test_text_no_row_can_hold_is_read_but_not_stored(raw: bytes):
    assert strict_json.parse(raw)
    with pytest.raises(Malformed):
        strict_json.parse_storable(raw)


CLEAR = {
    "the deepest": nested(MOST_DEPTH),
    "wide": b"[" + b",".join([b"[]"] * 1_000) + b"]",
    "a pair of surrogates": b'{"name": "\\ud83d\\ude00"}',
    "an escaped backslash before u0041": b'{"name": "\\\\u0041"}',
    "an escaped backslash before u0000": b'{"name": "\\\\u0000"}',
    "letters": '{"name": "Ștefan Țepeș"}'.encode(),
}


@pytest.mark.parametrize("raw", CLEAR.values(), ids=CLEAR.keys())
def test_clear_text_is_read(raw: bytes):
    assert strict_json.parse(raw) == strict_json.parse_storable(raw)
