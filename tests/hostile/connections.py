"""Rows 51-53 and 55-58: what is wrong with the request itself, or with how it is said."""

import gzip
from collections.abc import Sequence
from itertools import chain, repeat
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

import cli.wire
import webhooks.app
from tests.hostile import wire
from tests.hostile.house import Scene
from tests.hostile.row import KEPT, Play, Row, bad_request, signature, signed
from tests.hostile.stripe_told import told
from tests.hostile.wire import Answer
from webhooks import requests
from webhooks.app import MOST_REFUSALS_PER_MINUTE as MOST_PER_MINUTE
from webhooks.requests import MOST_BODY_BYTES

_MOST_HEARD_BYTES = 32 * 1024 * 1024  # what two sockets hold, and then some


_HEAD = b"POST /webhooks/stripe HTTP/1.1\r\nHost: pay.example\r\n"
_ALIVE = b"GET /healthz HTTP/1.1\r\nHost: pay.example\r\n"


def _said(*lines: bytes, body: bytes = b"{}") -> bytes:
    """A request as somebody types it."""
    return _HEAD + b"\r\n".join([*lines, b"", body])


def _endless(scene: Scene) -> Sequence[Answer]:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    return _goes_on(scene, _said(b"Transfer-Encoding: chunked", body=b""), chunk)


def _goes_on(scene: Scene, first: bytes, again: bytes) -> Sequence[Answer]:
    """Says one thing again and again; the server hears little of it and hangs up."""
    with wire.connected(scene.house.port(scene.door)) as stranger:
        said = wire.speak(stranger, chain([first], repeat(again, 2_000)))
        heard = wire.hear(stranger)
    assert said < _MOST_HEARD_BYTES
    return wire.answers(heard)


def _hung_up_on(name: str, first: bytes, again: Sequence[bytes], **told: Any) -> Row:
    """A head that never ends is not waited for."""

    def play(scene: Scene) -> Sequence[Answer]:
        port = scene.house.port(scene.door)
        with patch.object(cli.wire, "HEAD_SECONDS", 0.3), wire.connected(port) as slow:
            began = monotonic()
            slow.sendall(first)
            wire.speak(slow, (_after(0.02, piece) for piece in again))
            heard = wire.hear(slow)
        assert monotonic() - began < 10
        return wire.answers(heard)

    return Row(number=53, name=name, play=play, **{"answers": {}, **told})


def _paused(scene: Scene) -> Sequence[Answer]:
    """Whoever has asked nothing yet is late with nothing."""
    port = scene.house.port(scene.door)
    with patch.object(cli.wire, "HEAD_SECONDS", 0.3), wire.connected(port) as patient:
        patient.sendall(_ALIVE + b"\r\n")
        first = patient.recv(65_536)
        sleep(0.7)
        patient.sendall(_ALIVE + b"Connection: close\r\n\r\n")
        return wire.answers(first + wire.hear(patient))


def _after(seconds: float, piece: bytes) -> bytes:
    sleep(seconds)
    return piece


def _slow(scene: Scene) -> Sequence[Answer]:
    """One byte at a time, while others are served."""
    with (
        patch.object(requests, "BODY_SECONDS", 0.7),
        wire.connected(scene.house.port(scene.door)) as slow,
    ):
        began = monotonic()
        slow.sendall(_said(b"Content-Length: 1000", body=b""))
        others: list[Answer] = []
        for _ in range(5):
            slow.sendall(b"x")
            others += scene.say(signed(told(scene, "thin")))
        closed = wire.answers(wire.hear(slow))
    assert monotonic() - began < 10
    return [*closed, *others]


def _flood(scene: Scene, *headers: tuple[str, bytes]) -> list[Answer]:
    """Until one is told that there were too many; the last two answers are all that is kept."""
    told_so: list[Answer] = []
    for each in range(2 * MOST_PER_MINUTE + 1):
        forwarded = [(name, value.replace(b"*", b"%d" % each)) for name, value in headers]
        told_so = [*told_so, *scene.say(wire.post(b"{}", signature(b"t=1,v1=x"), *forwarded))][-2:]
        if told_so[-1].status == 429:
            return told_so
    return told_so


def _within_a_minute(play: Play) -> Play:
    """Refusals are counted by the minute, and the next one begins when it likes."""

    def played(scene: Scene) -> Sequence[Answer]:
        with patch.object(webhooks.app, "monotonic", return_value=0.0):
            return play(scene)

    return played


def _flooded(scene: Scene) -> Sequence[Answer]:
    """The one who floods is told so; another one is not, and what is genuine is taken."""
    return [
        *_flood(scene),
        *scene.say(_forged(), source=wire.ELSEWHERE),
        *scene.say(signed(told(scene, "thin"))),
    ]


def _in_disguise(*headers: tuple[str, bytes]) -> Row:
    """Another name with every request; it is the same stranger all the same."""
    return Row(
        number=57,
        name=f"{headers[0][1].decode()} from no proxy of ours",
        door=f"test in disguise {headers[0][1].decode()}",
        play=_within_a_minute(
            lambda scene: [
                *_flood(scene, *headers),
                *scene.say(_forged(), source=wire.ELSEWHERE),
            ]
        ),
        answers={400: 2, 429: 1},
        counts={"refused_signatures": MOST_PER_MINUTE + 2},
    )


def _behind_a_proxy(scene: Scene) -> Sequence[Answer]:
    """What the proxy heard last is believed, and nothing that stands before it."""
    flooded = _flood(scene, ("X-Forwarded-For", b"198.51.100.*, 203.0.113.7"))
    neighbour = scene.say(_forged(("X-Forwarded-For", b"203.0.113.7, 203.0.113.8")))
    stranger = scene.say(_forged(("X-Forwarded-For", b"203.0.113.7")), source=wire.ELSEWHERE)
    return [*flooded, *neighbour, *stranger]


def _forged(*headers: tuple[str, bytes]) -> bytes:
    return wire.post(b"{}", signature(b"t=1,v1=x"), *headers)


def _packed(encoding: str, body: bytes) -> Row:
    return Row(
        number=52,
        name=encoding,
        play=lambda scene: scene.say(signed(body, ("Content-Encoding", encoding.encode()))),
        answers={415: 1},
    )


def _lost(number: int, name: str, path: str, status: int = 404, method: str = "POST") -> Row:
    return bad_request(number, name, wire.post(b"{}", path=path, method=method), status=status)


_TWO_WAYS = {
    "two lengths": _said(b"Content-Length: 2", b"Content-Length: 3"),
    "one length twice": _said(b"Content-Length: 2", b"Content-Length: 2"),
    "a list of lengths": _said(b"Content-Length: 2, 2"),
    "a length and chunks": _said(b"Content-Length: 2", b"Transfer-Encoding: chunked"),
    "chunks and a length": _said(b"Transfer-Encoding: chunked", b"Content-Length: 2"),
    "chunks twice": _said(*[b"Transfer-Encoding: chunked"] * 2),
    "chunks, and then something else": _said(b"Transfer-Encoding: chunked, identity"),
    "nearly chunks": _said(b"Transfer-Encoding: xchunked"),
    "a space before the colon": _said(b"Transfer-Encoding : chunked"),
    "a vertical tab before chunks": _said(b"Transfer-Encoding: \x0bchunked"),
    "a negative length": _said(b"Content-Length: -1"),
    "a length with a sign": _said(b"Content-Length: +2"),
    "a length in hexadecimal": _said(b"Content-Length: 0x2"),
    "a length in words": _said(b"Content-Length: two"),
    "a length of 2^64 and 2": _said(b"Content-Length: 18446744073709551618"),
    "a folded line": _said(b"X-Note: one", b" two", b"Content-Length: 2"),
    "a bare line end": _said(b"X-Note: one\nX-Other: two", b"Content-Length: 2"),
    "only bare line ends": _said(b"Content-Length: 2").replace(b"\r\n", b"\n"),
    "a bare carriage return": _said(b"X-Note: one\rX-Other: two", b"Content-Length: 2"),
    "a NUL in a header": _said(b"X-Note: one\0two", b"Content-Length: 2"),
    "a header without a colon": _said(b"X-Note", b"Content-Length: 2"),
    "a header without a name": _said(b": two", b"Content-Length: 2"),
    "a chunk of 2^68": _said(b"Transfer-Encoding: chunked", body=b"F" * 17 + b"\r\n{}"),
    "a chunk of minus 2": _said(b"Transfer-Encoding: chunked", body=b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk of 0x2": _said(b"Transfer-Encoding: chunked", body=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "chunks with bare line ends": _said(b"Transfer-Encoding: chunked", body=b"2\n{}\n0\n\n"),
    "a chunk that is longer than it says": _said(
        b"Transfer-Encoding: chunked", body=b"1\r\n{}\r\n0\r\n\r\n"
    ),
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

ROWS = (
    bad_request(51, "one byte too many", wire.post(b"x" * (MOST_BODY_BYTES + 1)), status=413),
    bad_request(
        51, "a length of 5,000 digits", _said(b"Content-Length: " + b"9" * 5_000), status=400
    ),
    bad_request(51, "a length of 1 TB", _said(b"Content-Length: 1000000000000"), status=413),
    bad_request(
        51,
        "one byte too many in chunks",
        _said(
            b"Transfer-Encoding: chunked",
            body=b"40001\r\n" + b"x" * (MOST_BODY_BYTES + 1) + b"\r\n0\r\n\r\n",
        ),
        status=413,
    ),
    Row(number=51, name="chunks without end", play=_endless, answers={413: 1}),
    Row(
        number=51,
        name="a head without end",
        play=lambda scene: _goes_on(scene, _HEAD, b"X-Note: " + b"x" * 60_000 + b"\r\n"),
        answers={400: 1},
    ),
    Row(
        number=51,
        name="one header without end",
        play=lambda scene: _goes_on(scene, _HEAD + b"X-Note: ", b"x" * 60_000),
        answers={400: 1},
    ),
    Row(
        number=51,
        name="an address without end",
        play=lambda scene: _goes_on(scene, b"POST /", b"x" * 60_000),
        answers={400: 1},
    ),
    Row(
        number=51,
        name="trailers without end",
        play=lambda scene: _goes_on(
            scene,
            _said(b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n"),
            b"X-Note: " + b"x" * 1_000 + b"\r\n",
        ),
        answers={400: 1},
    ),
    Row(
        number=51,
        name="a chunk's extension without end",
        play=lambda scene: _goes_on(
            scene, _said(b"Transfer-Encoding: chunked", body=b"2;x="), b"x" * 60_000
        ),
        answers={400: 1},
    ),
    Row(
        number=51,
        name="more than the length says",
        play=lambda scene: scene.say(
            wire.post(b"{}", signature(b"t=1,v1=x")) + wire.post(told(scene, "thin"))
        ),
        prepare=lambda scene: scene.invoice,
        answers={400: 1},
        counts={"refused_signatures": 1},
    ),
    _packed("gzip", gzip.compress(bytes(100_000_000), 9)),
    _packed("GZIP, identity", b"\x1f\x8b"),
    _packed("deflate", b"x\x9c"),
    _packed("br", b"\x8b"),
    _packed("zstd", b"\x28\xb5\x2f\xfd"),
    Row(
        number=53,
        name="one byte at a time",
        play=_slow,
        prepare=lambda scene: scene.invoice,
        answers={408: 1, 200: 5},
        counts={"accepted": 1, "duplicates": 4},
        events=[("ignored", "a thin event")],
        changes=KEPT,
    ),
    _hung_up_on("a head, one byte at a time", _HEAD, [b"x"] * 1_000),
    _hung_up_on("empty lines, one at a time", b"", [b"\r\n"] * 1_000),
    _hung_up_on("nothing at all", b"", []),
    _hung_up_on(
        "a head, one byte at a time, after a body that took its time",
        _said(b"Content-Length: 40", body=b""),
        [*[b"x"] * 40, _HEAD, *[b"x"] * 1_000],
        answers={400: 1},
        counts={"refused_signatures": 1},
    ),
    Row(number=53, name="a pause between two requests", play=_paused, answers={200: 2}),
    Row(
        number=55,
        name="a flood of bad signatures",
        door="test flooded",
        play=_within_a_minute(_flooded),
        prepare=lambda scene: scene.invoice,
        answers={400: 2, 429: 1, 200: 1},
        counts={"refused_signatures": MOST_PER_MINUTE + 2, "accepted": 1},
        events=[("ignored", "a thin event")],
        changes=KEPT,
    ),
    *(bad_request(56, name, said) for name, said in _TWO_WAYS.items()),
    _in_disguise(("X-Forwarded-For", b"198.51.100.*")),
    _in_disguise(("X-Forwarded-For", b"*.1.2.3, 127.0.0.1"), ("Forwarded", b"for=*.1.2.3")),
    Row(
        number=57,
        name="a proxy of ours is believed as far as it has heard",
        door="test behind a proxy",
        play=_within_a_minute(_behind_a_proxy),
        answers={400: 3, 429: 1},
        counts={"refused_signatures": MOST_PER_MINUTE + 3},
    ),
    *(
        _lost(58, f"{method} at the door", "/webhooks/stripe", 405, method)
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")
    ),
    *(
        _lost(58, path, path)
        for path in (
            "/",
            "/webhooks",
            "/webhooks/",
            "/webhooks/paypal",
            "/webhooks/stripe/",
            "//webhooks/stripe",
            "//webhooks/stripe/..;/admin",
            "/webhooks/stripe/../stripe",
            "/webhooks/../webhooks/stripe",
            "/WEBHOOKS/STRIPE",
            "/webhooks/stripe%00",
            "/webhooks/stripe%2f",
            "/webhooks/stripe%0d%0aX-Note:%20one",
            "/webhooks/%ff%zz",
            "/webhooks/stripe;x=1",
        )
    ),
    bad_request(58, "a path beyond ASCII", _said().replace(b"stripe ", b"\xff ")),
    bad_request(58, "a method in small letters", _said().replace(b"POST", b"post")),
    bad_request(58, "a method nobody knows", _said().replace(b"POST", b"BREW")),
    bad_request(58, "a tunnel", b"CONNECT pay.example:443 HTTP/1.1\r\nHost: pay.example\r\n\r\n"),
)
