"""Rows 37-50 as far as they are NETOPIA's: tokens, bodies, and notices that mean no money."""

from collections.abc import Callable, Sequence
from typing import Any

from runtime import clock
from tests.gateways.deliveries import netopia_body
from tests.hostile import wire
from tests.hostile.house import Scene
from tests.hostile.row import APPLIED, BOOKED, KEPT, NOTED, SHOWN, Header, Row
from tests.netopia_seal import POS, Pen, a_pen, by_secret, digest, part, unsigned

PATH = "/webhooks/netopia"
OK = b'{"errorType":0,"errorCode":0,"errorMessage":""}'
REFUSED = b'{"errorType":1,"errorCode":268435713,"errorMessage":"refused"}'

Sign = Callable[[bytes], str]


def _notice(scene: Scene, status: int = 3, order_id: object = None, **payment: Any) -> bytes:
    """A notice about the scene's own payment, over what its invoice is over."""
    order = {"orderID": order_id or f"{scene.invoice.number}", "data": {}}
    told = {"status": status, "ntpID": f"NTP{scene.tag}", "amount": 242, **payment}
    return netopia_body(told, order=order)


def _one(status: int, **payment: Any) -> Callable[[Scene], Sequence[bytes]]:
    return lambda scene: [_notice(scene, status, **payment)]


def _tried(amount: float) -> Callable[[Scene], Sequence[bytes]]:
    """Paid by an attempt, which asked for the whole invoice."""
    return lambda scene: [_notice(scene, 3, scene.attempt("netopia", f"{POS}/test"), amount=amount)]


def _by(algorithm: str) -> Sign:
    """NETOPIA's own signature under the name of another algorithm."""
    return lambda body: _signed(body, head={"alg": algorithm})


def _signed(body: bytes, **how: Any) -> str:
    return a_pen().token(body, at=clock.now(), **how)


def _posted(body: bytes, *tokens: str, **how: Any) -> bytes:
    headers: list[Header] = [("Verification-token", token.encode("latin-1")) for token in tokens]
    return wire.post(body, *headers, path=PATH, **how)


def _untrusted(number: int, name: str, sign: Sign, body: bytes | None = None) -> Row:
    """Nobody vouches for just this body: one answer, counted, and nothing else."""

    def play(scene: Scene) -> Sequence[wire.Answer]:
        said = _notice(scene) if body is None else body
        return scene.say(_posted(said, sign(said)))

    return _refused(number, name, play)


def _refused(
    number: int,
    name: str,
    play: Callable[[Scene], Sequence[wire.Answer]],
    counted: str = "refused_signatures",
) -> Row:
    return Row(
        number=number,
        name=f"{name} (NETOPIA)",
        door="netopia",
        prepare=lambda scene: scene.invoice,
        play=play,
        answers={200: 1},
        body=REFUSED,
        counts={counted: 1},
    )


def _unreadable(number: int, name: str, body: bytes) -> Row:
    """Signed by NETOPIA's own key, yet nothing that it sends: the same answer, and an alarm."""

    def play(scene: Scene) -> Sequence[wire.Answer]:
        return scene.say(_posted(body, _signed(body)))

    return _refused(number, name, play, "unreadable")


def _told(
    number: int,
    name: str,
    bodies: Callable[[Scene], Sequence[bytes]],
    *,
    events: Sequence[tuple[str, str | None]],
    changes: frozenset[str],
    before: Callable[[Scene], Sequence[bytes]] = lambda _: (),
    attention: Sequence[str] = (),
    postings: Sequence[str] = (),
    is_other: bool = False,
) -> Row:
    """Genuine, hence kept and acknowledged; what matters is what is made of it."""

    def say(scene: Scene, body: bytes) -> wire.Answer:
        (answer,) = scene.say(_posted(body, _signed(body)))
        return answer

    def prepare(scene: Scene) -> None:
        assert scene.invoice.is_open
        for body in before(scene):
            assert say(scene, body).body == OK
        scene.house.settle()

    return Row(
        number=number,
        name=f"{name} (NETOPIA)",
        door="netopia",
        prepare=prepare,
        play=lambda scene: [say(scene, body) for body in bodies(scene)],
        answers={200: len(events)},
        body=OK,
        counts={"accepted": len(events)},
        events=events,
        attention=attention,
        postings=postings,
        changes=changes,
        is_other=is_other,
    )


def _dead(number: int, name: str, reason: str, **payment: Any) -> Row:
    return _told(
        number,
        name,
        lambda scene: [_notice(scene, **payment)],
        events=[("dead", reason)],
        attention=["dead_event"],
        changes=SHOWN,
    )


def _of_nobody(name: str, order_id: object) -> Row:
    """Row 50: the token proves the sender, so the money is there, whatever it is called."""
    return _told(
        50,
        name,
        lambda scene: [_notice(scene, order_id=order_id)],
        events=[("done", None)],
        attention=["unknown_invoice"],
        postings=["receive"],
        changes=BOOKED | {"attention"},
        is_other=True,
    )


def _flipped(body: bytes) -> str:
    return _signed(body.replace(b"242", b"241"))


def _other() -> Pen:
    return a_pen("other")


_DEEP = b"[" * 100_000 + b"]" * 100_000
_XML = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><order>&b;</order>'

ROWS = (
    _refused(37, "no token", lambda scene: scene.say(_posted(_notice(scene)))),
    _untrusted(37, "an empty token", lambda _: ""),
    _refused(37, "two tokens", lambda scene: scene.say(_two(_notice(scene)))),
    _untrusted(37, "no body", lambda _: _signed(b"x"), b""),
    Row(
        number=37,
        name="GET (NETOPIA)",
        door="netopia",
        play=lambda scene: scene.say(_posted(b"", method="GET")),
        answers={405: 1},
    ),
    _untrusted(38, "no base64", lambda _: "a!b.c!d.e!f"),
    _untrusted(38, "a signature too short", lambda body: _signed(body)[:-20]),
    _untrusted(38, "a signature too long", lambda body: _signed(body) + "AAAA"),
    _untrusted(38, "another's key", lambda body: _other().token(body, at=clock.now())),
    _untrusted(
        38,
        "another's key, brought along",
        lambda body: _other().token(body, at=clock.now(), head={"jwk": {"kty": "RSA", "n": "AQ"}}),
    ),
    *(
        _untrusted(
            39,
            f"the algorithm {algorithm}",
            _by(algorithm),
        )
        for algorithm in ("none", "HS256", "HS512", "RS1", "PS512", "ES256", "rs512", "")
    ),
    _untrusted(39, "nobody's signature", lambda body: unsigned(body, clock.now())),
    _untrusted(
        39,
        "the public key as a secret",
        lambda body: by_secret(body, a_pen().pem.encode(), clock.now()),
    ),
    _untrusted(39, "an empty secret", lambda body: by_secret(body, b"", clock.now())),
    _unreadable(41, "XML with a file in it", _XML),
    _untrusted(41, "a token with XML in it", lambda _: f"{part(_XML)}.{part(_XML)}.AAAA"),
    _unreadable(42, "100,000 deep", _DEEP),
    _unreadable(42, "UTF-16", '{"payment":{}}'.encode("utf-16")),
    _unreadable(42, "UTF-7", b"+AHsAIg-payment"),
    _unreadable(42, "a byte order mark", b"\xef\xbb\xbf" + netopia_body()),
    _unreadable(42, "a NUL", b'{"payment":{}}\0'),
    _untrusted(42, "claims 1,000 deep", lambda _: _nested()),
    _untrusted(43, "another issuer", lambda body: _signed(body, iss="NETOPIA")),
    _untrusted(43, "another point of sale", lambda body: _signed(body, aud=POS[:-1] + "F")),
    _untrusted(43, "no audience", lambda body: _signed(body, aud=[])),
    _untrusted(43, "from an hour ahead", lambda body: _signed(body, iat=_second() + 3600)),
    _untrusted(43, "from last month", lambda body: _signed(body, iat=_second() - 30 * 86_400)),
    _untrusted(43, "ended", lambda body: _signed(body, exp=_second() - 3600)),
    _untrusted(44, "another amount under the same token", _flipped),
    _untrusted(44, "a space more under the same token", lambda body: _signed(body[:-1])),
    _untrusted(44, "the hash of another body", lambda body: _signed(body, sub=digest(b""))),
    *(
        _told(
            45,
            f"status {status} with the code of success",
            _one(status, code="00", message="Approved"),
            events=[("done", None)],
            changes=NOTED,
        )
        for status in (11, 12)
    ),
    *(
        _told(
            46,
            f"status {status}",
            _one(status),
            events=[("done", None)],
            changes=NOTED,
        )
        for status in (2, 6, 7, 13, 14, 15, 18)
    ),
    *(
        _told(
            46,
            f"status {status}",
            _one(status),
            events=[("ignored", "no money has moved")],
            changes=KEPT,
        )
        for status in (1, 19, 20, 21, 22)
    ),
    *(
        _told(
            46,
            f"status {status} of nobody's attempt",
            _one(status),
            events=[("done", None)],
            changes=KEPT,
        )
        for status in (4, 23)
    ),
    *(
        _told(
            47,
            f"a refund over {amount}",
            _one(8, amount=amount),
            before=lambda scene: [_notice(scene)],
            events=[("done", None)],
            attention=["refund_untold"],
            changes=SHOWN,
            is_other=True,
        )
        for amount in (1, 242, 9_999)
    ),
    _told(
        47,
        "a refund of a payment that nothing was told of",
        lambda scene: [_notice(scene, 8)],
        events=[("done", None)],
        attention=["refund_untold"],
        postings=["receive", "allocate"],
        changes=APPLIED | {"attention"},
        is_other=True,
    ),
    *(
        _told(
            48,
            f"{amount} where 242.00 was asked for",
            _tried(amount),
            events=[("done", None)],
            attention=attention,
            postings=["receive", "allocate"],
            changes=changes | {"attention", "attempts"},
        )
        for amount, attention, changes in (
            (0.01, ["fact_disagrees"], APPLIED - {"reminders"}),
            (242.01, ["fact_disagrees", "overpaid"], APPLIED),
        )
    ),
    _unreadable(49, "a name twice", b'{"payment":{"status":1,"status":3}}'),
    _unreadable(49, "two payments", b'{"payment":{"status":3},"payment":{"status":3}}'),
    _unreadable(
        49, "a name twice, once as an escape", b'{"payment":{"status":1,"st\\u0061tus":3}}'
    ),
    _dead(49, "a list of payments", "unknown_status", status=[3]),
    _dead(49, "a status in words", "unknown_status", status="3"),
    _dead(49, "a status that is true", "unknown_status", status=True),
    _dead(49, "a status of tomorrow", "unknown_status", status=24),
    _dead(49, "no name", "ntpID", ntpID=""),
    _dead(49, "a name with a way in it", "ntpID", ntpID="../../1"),
    _dead(49, "no money", "malformed_amount", amount=0),
    _dead(49, "less than no money", "malformed_amount", amount=-242),
    _dead(49, "half a ban", "malformed_amount", amount=0.005),
    _dead(49, "money in words", "malformed_amount", amount="1e3"),
    _dead(49, "no currency", "unknown_currency", currency=""),
    _dead(49, "a currency of no country", "unknown_currency", currency="LEI"),
    _of_nobody("an unknown order", "INV-999999-1"),
    _of_nobody("a way out", "../../etc/passwd"),
    _of_nobody("SQL", "' OR 1=1--"),
    _of_nobody("HTML", "<script>alert(1)</script>"),
    _of_nobody("two lines", "INV-0001\r\nX-Note: 1"),
    _of_nobody("10 kB", "I" * 10_000),
    _of_nobody("a NUL and half a character", "INV\0\ud800"),
    _untrusted(50, "the order of another merchant", lambda body: _signed(body, aud="ANOTHER-POS")),
)


def _two(body: bytes) -> bytes:
    return _posted(body, _signed(body), _signed(body))


def _nested() -> str:
    deep = b'{"a":' * 1_000 + b"1" + b"}" * 1_000
    return a_pen().sign({"typ": "JWT", "alg": "RS512"}, deep)


def _second() -> int:
    return int(clock.now().timestamp())
