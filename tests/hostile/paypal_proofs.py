"""Rows 24, 27-31 and 35: PayPal's proof, missing, broken, old, or lent to another body."""

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runtime import clock
from tests.crc32 import collision
from tests.hostile import paypal_told as paypal
from tests.hostile.house import Scene
from tests.hostile.paypal_told import Headers, told
from tests.hostile.row import RECEIVED, Row, untrusted
from tests.hostile.wire import Answer

_NAMES = ("Id", "Time", "Sig")
_HEADERS = (
    *(f"Paypal-Transmission-{name}" for name in _NAMES),
    "Paypal-Cert-Url",
    "Paypal-Auth-Algo",
)
_PARKED = {"inbox", "outbox"}


def _refused(number: int, name: str, change: Callable[[Headers], Headers]) -> Row:
    def make(scene: Scene) -> bytes:
        return paypal.changed(scene, told(scene, "payment_capture_completed"), change)

    return untrusted(number, name, make, door="paypal")


def _without(header: str) -> Callable[[Headers], Headers]:
    return lambda headers: [each for each in headers if each[0] != header]


def _twice(header: str) -> Callable[[Headers], Headers]:
    return lambda headers: [*headers, *(each for each in headers if each[0] == header)]


def _set(header: str, value: bytes) -> Callable[[Headers], Headers]:
    return lambda headers: [(name, value if name == header else old) for name, old in headers]


def _signed(number: int, name: str, **how: Any) -> Row:
    """Signed with the right key, over what is said; and yet not to be believed."""

    def make(scene: Scene) -> bytes:
        sent = paypal.sent(scene, **{key: _made(value) for key, value in how.items()})
        return paypal.request(scene, told(scene, "payment_capture_completed"), sent)

    return untrusted(number, name, make, door="paypal")


def _made(value: Any) -> Any:
    return value() if callable(value) else value


def _from_now(**time: float) -> Callable[[], str]:
    return lambda: paypal.instant(clock.now() + timedelta(**time))


def _genuine_and_forged(scene: Scene, change: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    """One delivery, and its headers around another body with the same checksum."""
    body = told(scene, "payment_capture_completed")
    sent = replace(paypal.sent(scene), time=_minute())
    genuine = paypal.request(scene, body, sent)
    head = genuine.partition(b"\r\n\r\n")[0]
    headers = [line.partition(b": ") for line in head.split(b"\r\n") if line.startswith(b"Paypal-")]
    forged = collision(change(body), zlib.crc32(body))
    assert forged != body
    assert zlib.crc32(forged) == zlib.crc32(body)
    return genuine, paypal.posted(forged, [(name.decode(), value) for name, _, value in headers])


def _minute() -> str:
    """The same text for a while, so that what is prepared and what is played are one delivery."""
    return clock.now().strftime("%Y-%m-%dT%H:00:00Z")


def _lent(name: str, change: Callable[[bytes], bytes], *, is_settled: bool = True) -> Row:
    """Row 29: the genuine one is kept, the forged one is refused, and a person is told."""

    def prepare(scene: Scene) -> None:
        (answer,) = scene.say(_genuine_and_forged(scene, change)[0])
        assert answer.status == 200
        if is_settled:
            scene.house.settle()

    return Row(
        number=29,
        name=name,
        door="paypal",
        prepare=prepare,
        play=lambda scene: scene.say(_genuine_and_forged(scene, change)[1]),
        answers={400: 1},
        counts={"differing": 1},
        attention=["event_differs"],
        changes=frozenset({"attention"} if is_settled else {"attention", *_PARKED}),
    )


def _again(name: str, days: float) -> Row:
    """Row 30: the very same transmission, days after it was signed."""

    def request(scene: Scene) -> bytes:
        at = (clock.now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:00:00Z")
        return paypal.request(
            scene, told(scene, "payment_capture_completed"), paypal.sent(scene, time=at)
        )

    def prepare(scene: Scene) -> None:
        assert [answer.status for answer in scene.say(request(scene))] == [200]
        scene.house.settle()

    def play(scene: Scene) -> Sequence[Answer]:
        return [answer for _ in range(3) for answer in scene.say(request(scene))]

    return Row(
        number=30,
        name=name,
        door="paypal",
        prepare=prepare,
        play=play,
        answers={200: 3},
        body=RECEIVED,
        counts={"duplicates": 3},
    )


_GOOD = base64.b64encode(b"x" * 256)

ROWS = (
    *(_refused(24, f"no {name}", _without(name)) for name in _HEADERS),
    *(_refused(24, f"{name} twice", _twice(name)) for name in _HEADERS),
    *(_refused(24, f"an empty {name}", _set(name, b"")) for name in _HEADERS),
    *(_refused(24, f"{name} beyond ASCII", _set(name, b"\xc3\xa9")) for name in _HEADERS),
    _refused(24, "no header at all", lambda _: []),
    *(
        _signed(27, f"the algorithm {name or 'of no name'}", algorithm=name)
        for name in (
            *("MD5withRSA", "none", "None", "SHA1withRSA", "SHA256withDSA", "sha256withrsa"),
            *("SHA256WITHRSA", "SHA256withRSA ;", "HS256", "SHA256withRSA,none"),
        )
    ),
    *(
        _refused(28, f"{name} for a signature", _set("Paypal-Transmission-Sig", value))
        for name, value in {
            "no base64": b"not base64!",
            "nothing": b"",
            "a padding": b"====",
            "other bytes": _GOOD,
            "a short one": base64.b64encode(b"x"),
            "base64 for addresses": _GOOD.replace(b"e", b"-"),
            "base64 and more": _GOOD + b"!",
            "base64 in two parts": _GOOD[:100] + b" " + _GOOD[100:],
            "30 kB": b"eHh4" * 7_500,
        }.items()
    ),
    _signed(28, "signed for another webhook", webhook_id="1JE4291016473214C"),
    _signed(28, "signed for an event instead of a webhook", webhook_id="WH-58D329510W468432D"),
    _refused(28, "another transmission id", _set("Paypal-Transmission-Id", b"another-id")),
    _refused(
        28, "another transmission time", _set("Paypal-Transmission-Time", b"2026-11-20T10:00:14Z")
    ),
    _lent("another amount", lambda body: body.replace(b'"24.20"', b'"99.20"')),
    _lent("another capture", lambda body: body.replace(b'"CAP', b'"CAQ')),
    _lent("another event", lambda body: body.replace(b'"WH-', b'"WI-')),
    _lent("another kind", lambda body: body.replace(b"COMPLETED", b"REFUNDED")),
    _lent("before the first is settled", lambda body: body + b" ", is_settled=False),
    _again("three days later", 3),
    _again("three days and twenty hours later", 3.8),
    _signed(30, "signed five days ago", time=_from_now(days=-5)),
    _signed(31, "six minutes in the future", time=_from_now(minutes=6)),
    _signed(31, "a year in the future", time=_from_now(days=365)),
    *(
        _signed(31, f"the time {time or 'of nothing'}", time=time)
        for time in (
            *("now", "1795213171", "2026-11-20", "2026-11-20T10:00:14", "0000-00-00T00:00:00Z"),
            *("2026-13-01T00:00:00Z", "2026-11-20T10:00:14Z|x", "9" * 300),
        )
    ),
    _signed(35, "an event of the simulator", webhook_id="WEBHOOK_ID"),
)
