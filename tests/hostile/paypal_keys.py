"""Rows 25, 26 and 32: where a certificate may lie, what it must be, and when it cannot be had."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from tests.hostile import paypal_told as paypal
from tests.hostile.house import Scene
from tests.hostile.paypal_told import told
from tests.hostile.row import RECEIVED, REFUSED, Row
from tests.hostile.wire import Answer

_PARKED = frozenset({"inbox", "outbox"})
_BUSY = b'{"error":"busy"}'


def _said(scene: Scene, name: str, key: str, address: str | None = None) -> list[Answer]:
    body = told(scene, "payment_capture_completed", id=f"WH-{scene.tag}-{name}")
    sent = paypal.sent(scene, key, address=address, id=f"{scene.tag}-{name}")
    return scene.say(paypal.request(scene, body, sent))


def _nobody_asked(name: str, address: Callable[[str, str], str]) -> Row:
    """Row 25: refused, and the one who listens there heard nothing.

    The address is made from the good one and the listener's `host:port`.
    """

    def play(scene: Scene) -> Sequence[Answer]:
        keys = scene.house.keys
        before = keys.connections
        told_ = address(keys.address("good-25"), f"127.0.0.1:{keys.port}")
        answers = _said(scene, "address", "good", told_)
        assert keys.connections == before
        return answers

    return Row(
        number=25,
        name=name,
        door="paypal",
        play=play,
        answers={400: 1},
        body=REFUSED,
        counts={"refused_signatures": 1},
    )


def _not_believed(name: str, key: str) -> Row:
    """Row 26: fetched, looked at, refused."""

    def play(scene: Scene) -> Sequence[Answer]:
        before = len(scene.house.keys.asked)
        answers = _said(scene, key, f"{key}-{scene.tag}")
        assert len(scene.house.keys.asked) == before + 1
        return answers

    return Row(
        number=26,
        name=name,
        door="paypal",
        play=play,
        answers={400: 1},
        body=REFUSED,
        counts={"refused_signatures": 1},
    )


def _not_had(number: int, name: str, key: str, *, is_other: bool) -> Row:
    """It cannot be had now: come again. Who comes at once is told so at once."""

    def play(scene: Scene) -> Sequence[Answer]:
        before, began = len(scene.house.keys.asked), monotonic()
        address = f"{key}-{scene.tag}"
        answers = [*_said(scene, key, address), *_said(scene, f"{key}-again", address)]
        assert len(scene.house.keys.asked) == before + 1
        assert monotonic() - began < 20
        return answers

    return Row(
        number=number,
        name=name,
        door="paypal",
        play=play,
        answers={503: 2},
        body=_BUSY,
        counts={"busy": 2},
        is_other=is_other,
    )


def _down(scene: Scene) -> Sequence[Answer]:
    keys = scene.house.keys
    keys.is_away = True
    try:
        return _said(scene, "down", f"good-{scene.tag}")
    finally:
        keys.is_away = False


def _held(scene: Scene) -> Sequence[Answer]:
    """The key was fetched before its host went away."""
    keys = scene.house.keys
    keys.is_away = True
    before = keys.connections
    try:
        answers = _said(scene, "held", f"good-{scene.tag}")
    finally:
        keys.is_away = False
    assert keys.connections == before
    return answers


def _fetched(scene: Scene) -> None:
    (answer,) = _said(scene, "fetched", f"good-{scene.tag}")
    assert answer.status == 200
    scene.house.settle()


_PATH = "/v1/notifications/certs/good-25"

# Every one of them leads to the listener, or would if it were read as somebody else reads it.
_ADDRESSES: Mapping[str, Callable[[str, str], str]] = {
    "nothing": lambda good, near: "x",
    "another port": lambda good, near: f"http://127.0.0.1:1{_PATH}",
    "encrypted where it should not be": lambda good, near: good.replace("http:", "https:"),
    "another scheme": lambda good, near: good.replace("http:", "ftp:"),
    "a file": lambda good, near: "file:///etc/ssl/certs/ca-certificates.crt",
    "no scheme": lambda good, near: f"//{near}{_PATH}",
    "only a path": lambda good, near: _PATH,
    "capitals": lambda good, near: good.replace("http:", "HTTP:"),
    "a user": lambda good, near: f"http://x@{near}{_PATH}",
    "paypal as a user": lambda good, near: f"https://api.paypal.com@{near}{_PATH}",
    "paypal as a user with a password": lambda good, near: (
        f"https://api.paypal.com:x@{near}{_PATH}"
    ),
    "the good one as a user": lambda good, near: f"{good}@{near}{_PATH}",
    "localhost": lambda good, near: good.replace("127.0.0.1", "localhost"),
    "a short form of the host": lambda good, near: good.replace("127.0.0.1", "127.1"),
    "the host as a number": lambda good, near: good.replace("127.0.0.1", "2130706433"),
    "the host in hexadecimal": lambda good, near: good.replace("127.0.0.1", "0x7f000001"),
    "the host in octal": lambda good, near: good.replace("127.0.0.1", "0177.0.0.1"),
    "the host as IPv6": lambda good, near: good.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    "a dot after the host": lambda good, near: good.replace("127.0.0.1", "127.0.0.1."),
    "a plain paypal": lambda good, near: f"http://api.paypal.com{_PATH}",
    "paypal with a port": lambda good, near: f"https://api.paypal.com:8443{_PATH}",
    "paypal with the default port": lambda good, near: f"https://api.paypal.com:443{_PATH}",
    "paypal as a part of a name": lambda good, near: f"https://api.paypal.com.evil.tld{_PATH}",
    "paypal as the end of a name": lambda good, near: f"https://evilpaypal.com{_PATH}",
    "another host of paypal's": lambda good, near: f"https://www.paypal.com{_PATH}",
    "paypal in a path": lambda good, near: f"http://{near}/api.paypal.com{_PATH}",
    "a metadata service": lambda good, near: f"http://169.254.169.254{_PATH}",
    "a backslash for a slash": lambda good, near: good.replace("/v1", "\\v1"),
    "a backslash and a user": lambda good, near: f"https://api.paypal.com\\@{near}{_PATH}",
    "a look-alike in punycode": lambda good, near: f"https://api.xn--pypal-4ve.com{_PATH}",
    "a full stop of another script": lambda good, near: f"https://api%E3%80%82paypal.com{_PATH}",
    "an escaped dot": lambda good, near: f"https://api%2epaypal.com{_PATH}",
    "another path": lambda good, near: f"http://{near}/good-25",
    "a path before it": lambda good, near: f"http://{near}/x{_PATH}",
    "a doubled slash": lambda good, near: good.replace("/v1", "//v1"),
    "a step up": lambda good, near: good.replace("good-25", "../../../good-25"),
    "an escaped step up": lambda good, near: good.replace("good-25", "%2e%2e/good-25"),
    "an escaped slash": lambda good, near: good.replace("good-25", "x%2fgood-25"),
    "a folder more": lambda good, near: f"{good}/x",
    "a slash at the end": lambda good, near: f"{good}/",
    "a query": lambda good, near: f"{good}?x=1",
    "a fragment": lambda good, near: f"{good}#x",
    "a parameter": lambda good, near: f"{good};x=1",
    "a NUL's escape": lambda good, near: f"{good}%00",
    "an extension": lambda good, near: f"{good}.pem",
    "no file": lambda good, near: good.replace("good-25", ""),
    "a name of 2 kB": lambda good, near: good + "x" * 2_000,
    "two addresses": lambda good, near: f"{good},{good}",
    "an address in brackets": lambda good, near: f"<{good}>",
}

ROWS = (
    *(_nobody_asked(name, address) for name, address in _ADDRESSES.items()),
    _not_had(25, "a redirect is not followed", "redirect", is_other=True),
    _not_believed("self-signed", "self"),
    _not_believed("expired", "expired"),
    _not_believed("of tomorrow", "unborn"),
    _not_believed("another one's", "other"),
    _not_believed("of a longer name", "evil"),
    _not_believed("with another alternative name", "twofaced"),
    _not_believed("under an authority nobody believes", "stranger"),
    _not_believed("without the chain, under no public authority", "alone"),
    _not_believed("with a short key", "weak"),
    _not_believed("junk between the lines of a certificate", "junk"),
    _not_had(26, "10 MB", "huge", is_other=True),
    _not_had(26, "no PEM", "html", is_other=True),
    _not_had(32, "not found", "missing", is_other=False),
    _not_had(32, "a slow host", "slow", is_other=False),
    Row(
        number=32,
        name="a host that is down",
        door="paypal",
        play=_down,
        answers={503: 1},
        body=_BUSY,
        counts={"busy": 1},
    ),
    Row(
        number=32,
        name="a host that is down since its key was fetched",
        door="paypal",
        prepare=_fetched,
        play=_held,
        answers={200: 1},
        body=RECEIVED,
        counts={"accepted": 1},
        events=[("parked", "a hint alone")],
        changes=_PARKED,
    ),
)
