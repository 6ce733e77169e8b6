"""Rows 1-11: a signature that is missing, somebody else's, broken, old or new."""

from collections.abc import Callable

from tests.gateways.deliveries import SECRET, stripe_header, stripe_signature
from tests.hostile import wire
from tests.hostile.house import OLD_SECRET, Scene
from tests.hostile.row import KEPT, RECEIVED, Row, signature, untrusted
from tests.hostile.stripe_told import told, unsettled
from tests.webhooks.knocking import now


def _forged(number: int, name: str, *values: Callable[[bytes, int], bytes]) -> Row:
    """The header's values, made from the body and the second it is."""

    def make(scene: Scene) -> bytes:
        body, at = unsettled(scene), now()
        return wire.post(body, *(signature(value(body, at)) for value in values))

    return untrusted(number, name, make)


def _changed(number: int, name: str, change: Callable[[bytes], bytes]) -> Row:
    """The body is another than the one that was signed."""

    def make(scene: Scene) -> bytes:
        body = unsettled(scene)
        return wire.post(change(body), signature(stripe_header(body, at=now())))

    return untrusted(number, name, make)


def _t(at: int | str, body: bytes) -> bytes:
    return stripe_header(body, at=at)


def _v1(body: bytes, at: int) -> bytes:
    return stripe_signature(body, at=at).encode()


def _dated(name: str, at: Callable[[int], int | str], number: int = 8) -> Row:
    return _forged(number, name, lambda body, now_: _t(at(now_), body))


def _rotating(name: str, *secrets: str) -> Row:
    def make(scene: Scene) -> bytes:
        body = told(scene, "thin")
        return wire.post(body, signature(stripe_header(body, *secrets, at=now())))

    return Row(
        number=11,
        name=f"signed with {name} during the rotation",
        door="rotating",
        prepare=lambda scene: scene.invoice,
        play=lambda scene: scene.say(make(scene)),
        answers={200: 1},
        body=RECEIVED,
        counts={"accepted": 1},
        events=[("ignored", "a thin event")],
        changes=KEPT,
    )


ROWS = (
    _forged(1, "no header"),
    _forged(2, "an empty header", lambda *_: b""),
    _forged(2, "only an instant", lambda _, at: b"t=%d" % at),
    _forged(2, "t= alone", lambda *_: b"t="),
    _forged(2, "v1= alone", lambda *_: b"v1="),
    _forged(2, "an empty instant", lambda body, at: b"t=,v1=" + _v1(body, at)),
    _forged(2, "only a signature", lambda body, at: b"v1=" + _v1(body, at)),
    _forged(2, "an empty signature", lambda _, at: b"t=%d,v1=" % at),
    _forged(3, "another secret", lambda body, at: stripe_header(body, "whsec_other", at=at)),
    _forged(3, "an empty secret", lambda body, at: stripe_header(body, "", at=at)),
    _forged(3, "the body unsigned by an instant", lambda body, at: b"t=%d,v1=" % at + _v1(b"", at)),
    _forged(4, "only v0", lambda body, at: b"t=%d,v0=" % at + _v1(body, at)),
    _forged(4, "V1 in a capital", lambda body, at: b"t=%d,V1=" % at + _v1(body, at)),
    _forged(
        4, "a signature in capitals", lambda body, at: _t(at, body)[:-64] + _v1(body, at).upper()
    ),
    _changed(5, "one byte changed", lambda body: body.replace(b"24200", b"24201", 1)),
    _changed(5, "one byte more", lambda body: body + b"\n"),
    _changed(5, "one byte less", lambda body: body[:-1]),
    _changed(5, "the same in other words", lambda body: body.replace(b"\n", b"")),
    _changed(5, "nothing", lambda _: b""),
    _dated("301 seconds old", lambda at: at - 301, 6),
    _dated("a day old", lambda at: at - 86_400, 6),
    _dated("302 seconds in the future", lambda at: at + 302, 7),
    _dated("a year in the future", lambda at: at + 31_536_000, 7),
    _dated("in words", lambda _: "now"),
    _dated("negative", lambda at: -at),
    _dated("with a sign", lambda at: f"+{at}"),
    _dated("with a point", lambda at: f"{at}.0"),
    _dated("with an underscore", lambda at: f"{at // 10_000}_{at % 10_000:04}"),
    _dated("with spaces", lambda at: f" {at}"),
    _dated("of 30 digits", lambda _: "1" * 30),
    _dated("of 5,000 digits", lambda _: "1" * 1_900),
    _forged(8, "twice the same", lambda body, at: b"t=%d," % at + _t(at, body)),
    _forged(8, "first an old one", lambda body, at: b"t=%d," % (at - 900) + _t(at, body)),
    _forged(8, "the header twice", *[lambda body, at: _t(at, body)] * 2),
    _forged(9, "a thousand signatures, short", lambda body, at: _t(at, body) + b",v1=0" * 999),
    _forged(
        9,
        "eleven, the last one right",
        lambda body, at: b"t=%d" % at + b",v1=0" * 10 + b",v1=" + _v1(body, at),
    ),
    _forged(9, "a header of 30 kB", lambda body, at: _t(at, body) + b",x=" + b"0" * 30_000),
    Row(
        number=9,
        name="a thousand signatures of full length are more than the server hears",
        play=lambda scene: scene.say(
            wire.post(b"{}", signature(b"t=1" + b",v1=" + b",v1=".join([b"0" * 64] * 1_000)))
        ),
        answers={400: 1},
    ),
    _forged(10, "an é in it", lambda body, at: b"t=%d,v1=" % at + "é".encode() + _v1(body, at)[2:]),
    _forged(10, "no text at all", lambda _, at: b"t=%d,v1=\xff\xfe\x80" % at),
    _forged(10, "digits of another script", lambda body, at: "t=١٢٣,v1=".encode() + _v1(body, at)),
    _forged(10, "a tab in it", lambda body, at: _t(at, body) + b",\tx"),
    _rotating("the old secret", OLD_SECRET),
    _rotating("the new secret", SECRET),
    _rotating("both secrets", OLD_SECRET, SECRET),
    _forged(11, "the old secret after it", lambda body, at: stripe_header(body, OLD_SECRET, at=at)),
)
