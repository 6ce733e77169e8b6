"""Rows 37-50 as far as they are MobilPay's: forms, seals, XML, and notices that mean no money."""

import base64
from collections.abc import Callable, Mapping, Sequence

from domain.money import Money
from tests import mobilpay_seal as seal
from tests.hostile import mobilpay_told as told
from tests.hostile import wire
from tests.hostile.house import Scene
from tests.hostile.mobilpay_told import FINAL, PATH, RESEND, THANKS, Notice, telling
from tests.hostile.row import APPLIED, BOOKED, KEPT, NOTED, SHOWN, Row
from tests.mobilpay_seal import Seal

Making = Callable[[Scene], bytes]

_REFUSED = {"refused_signatures": 1}
_ATTEMPTS = {"attempts"}


def _refused(
    number: int,
    name: str,
    make: Making,
    body: bytes,
    *,
    door: str = "mobilpay",
    counts: Mapping[str, int] = _REFUSED,
) -> Row:
    """Nobody vouches for it: MobilPay's own refusal, counted, and nothing else."""
    return Row(
        number=number,
        name=f"{name} (MobilPay)",
        door=door,
        prepare=told.order_id,
        play=lambda scene: scene.say(make(scene)),
        answers={200: 1},
        body=body,
        counts=counts,
    )


def _sealed(how: Seal | None = None, xml: Notice = told.notice, **fields: str | None) -> Making:
    """At its own address, sealed like this."""
    return lambda scene: told.sent(xml(scene), told.address(scene), how, **fields)


def _posted(body: bytes, content_type: str = told.FORM, method: str = "POST") -> Making:
    return lambda scene: wire.post(
        body, path=told.address(scene), content_type=content_type, method=method
    )


def _at(path: Callable[[Scene], str]) -> Making:
    return lambda scene: told.sent(told.notice(scene), path(scene))


def _xml(number: int, name: str, xml: Notice) -> Row:
    return _refused(number, name, _sealed(xml=xml), RESEND)


def _bare(number: int, name: str, **changes: str) -> Row:
    """Sealed by anybody with our public key, at the address without a secret, which is open."""
    return _refused(
        number,
        f"{name}, without a secret",
        lambda scene: told.sent(told.notice(scene, **changes), PATH),
        FINAL,
        door="mobilpay-bare",
    )


def _told(
    number: int,
    name: str,
    *requests: Making,
    events: Sequence[tuple[str, str | None]],
    changes: frozenset[str],
    before: Sequence[Making] = (),
    attention: Sequence[str] = (),
    postings: Sequence[str] = (),
    door: str = "mobilpay",
    is_other: bool = False,
) -> Row:
    """At its own address, hence kept and thanked for; what matters is what is made of it."""

    def prepare(scene: Scene) -> None:
        told.order_id(scene)
        for make in before:
            assert [answer.body for answer in scene.say(make(scene))] == [THANKS]
        scene.house.settle()

    return Row(
        number=number,
        name=f"{name} (MobilPay)",
        door=door,
        prepare=prepare,
        play=lambda scene: [answer for make in requests for answer in scene.say(make(scene))],
        answers={200: len(events)},
        body=THANKS,
        counts={"accepted": len(events)},
        events=events,
        attention=attention,
        postings=postings,
        changes=changes,
        is_other=is_other,
    )


def _of_nobody(number: int, name: str, make: Making, door: str = "mobilpay") -> Row:
    """The address proves the sender, and not what he says: kept, unidentified, and shown."""
    return _told(
        number,
        f"{name}, at its secret address",
        make,
        events=[("done", None)],
        attention=["fact_disagrees", "unknown_invoice"],
        postings=["receive"],
        changes=BOOKED | {"attention"},
        door=door,
        is_other=True,
    )


def _dead(number: int, name: str, reason: str, **changes: str) -> Row:
    return _told(
        number,
        name,
        _sealed(xml=telling(**changes)),
        events=[("dead", reason)],
        attention=["dead_event"],
        changes=SHOWN,
    )


def _base64(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def _with_dtd(dtd: str, entity: str = "") -> Notice:
    def make(scene: Scene) -> bytes:
        head = told.HEAD.decode()
        text = told.notice(scene).decode().replace(head, head + dtd)
        return text.replace("<![CDATA[Tranzactia aprobata]]>", entity).encode()

    return make


def _recoded(encoding: str, said: str) -> Notice:
    return lambda scene: (
        told.notice(scene).decode().replace('encoding="utf-8"', f'encoding="{said}"')
    ).encode(encoding)


def _flip(path: Callable[[Scene], str]) -> Making:
    return lambda scene: told.flipped(told.notice(scene), path(scene), b"242.00", b"999.00")


def _closed(_: Scene) -> str:
    return PATH


_LAUGHS = "".join(
    f'<!ENTITY l{n} "{("&l" + str(n - 1) + ";") * 10 if n else "ha"}">' for n in range(10)
)
_HTTP = '<!DOCTYPE order [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>'
_INCLUDE = '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/><params>'

ROWS = (
    _refused(37, "no env_key", _sealed(env_key=None), FINAL),
    _refused(37, "no data", _sealed(data=None), FINAL),
    _refused(37, "an empty data", _sealed(data=""), FINAL),
    _refused(37, "nothing", _posted(b""), FINAL),
    _refused(37, "JSON", _posted(b"{}", "application/json"), FINAL),
    _refused(37, "a form said to be text", _posted(b"env_key=x&data=x", "text/plain"), FINAL),
    _refused(37, "a form in parts", _posted(b"--x", "multipart/form-data; boundary=x"), FINAL),
    _refused(37, "GET", _posted(b"", method="GET"), FINAL),
    _refused(37, "PUT", _posted(b"env_key=x&data=x", method="PUT"), FINAL),
    _refused(37, "two data", _posted(b"env_key=AA&data=AA&data=AA"), FINAL),
    _refused(38, "no base64", _sealed(env_key="not base64!"), RESEND),
    _refused(38, "a short key", _sealed(env_key=_base64(16)), RESEND),
    _refused(38, "a long key", _sealed(env_key=_base64(512)), RESEND),
    _refused(38, "noise for a key", _sealed(env_key=_base64(256)), RESEND),
    _refused(38, "another's key", _sealed(Seal(key="strangers")), RESEND),
    _refused(39, "RC4 where it is off", _sealed(Seal(cipher="rc4")), RESEND),
    _refused(39, "RC4 that nobody names", _sealed(Seal(cipher=None)), RESEND),
    _refused(39, "another cipher", _sealed(cipher="aes-128-ecb"), RESEND),
    _refused(39, "no cipher at all", _sealed(cipher="none"), RESEND),
    _refused(40, "no iv", _sealed(iv=None), RESEND),
    _refused(40, "an iv of 15 bytes", _sealed(iv=_base64(15)), RESEND),
    _refused(40, "a bad padding", _sealed(data=_base64(64)), RESEND),
    _refused(40, "half a block", _sealed(data=_base64(40)), RESEND),
    _xml(41, "a DTD", _with_dtd("<!DOCTYPE order>")),
    _xml(
        41,
        "a file",
        _with_dtd('<!DOCTYPE order [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;"),
    ),
    _xml(41, "an address", _with_dtd(_HTTP, "&x;")),
    _xml(41, "a billion laughs", _with_dtd(f"<!DOCTYPE order [{_LAUGHS}]>", "&l9;")),
    _xml(
        41,
        "a quadratic blow-up",
        _with_dtd(f'<!DOCTYPE order [<!ENTITY a "{"a" * 20_000}">]>', "&a;" * 5_000),
    ),
    _xml(41, "a parameter entity", _with_dtd(_HTTP.replace("x SYSTEM", "% x SYSTEM"))),
    _xml(41, "XInclude", told.replaced("<params>", _INCLUDE)),
    _xml(42, "5,000 deep", told.replaced("<params>", "<params>" + "<a>" * 5_000)),
    _xml(
        42,
        "5,000 attributes",
        told.replaced("<params>", "<params " + " ".join(f'a{n}=""' for n in range(5_000)) + ">"),
    ),
    _xml(42, "2,000 elements", told.replaced("<params>", "<params>" + "<a/>" * 2_000)),
    _xml(42, "UTF-16", _recoded("utf-16", "utf-16")),
    _xml(42, "UTF-16 said to be UTF-8", _recoded("utf-16", "utf-8")),
    _xml(42, "UTF-7", _recoded("utf-7", "utf-7")),
    _xml(42, "a NUL", told.replaced("aprobata", "\0")),
    _xml(42, "100 kB", told.replaced("aprobata", "a" * 100_000)),
    _refused(43, "the bare address, which is closed", _at(_closed), FINAL),
    _refused(43, "a guessed address", _at(lambda _: f"{PATH}/{'A' * 60}.{'A' * 22}"), RESEND),
    _refused(43, "an address one sign off", _at(lambda s: told.address(s)[:-2] + "~A"), RESEND),
    _refused(
        43,
        "the address of another amount",
        _at(lambda s: _of_another(s, told.order_id(s), Money("RON", 1))),
        RESEND,
    ),
    _refused(
        43,
        "the address of another order",
        _at(lambda s: _of_another(s, "INV-999999-1", told.MONEY)),
        RESEND,
    ),
    _refused(
        43,
        "another point of sale",
        _sealed(xml=telling(signature="ZZZZ-BBBB-CCCC-DDDD-EEEE")),
        RESEND,
        counts={"unreadable": 1},
    ),
    _bare(43, "of last year", told_at="20251120125130"),
    _bare(43, "of next year", told_at="20271120125130"),
    _bare(43, "another amount", asked="1.00", processed="1.00"),
    _bare(43, "another currency", currency="EUR"),
    _of_nobody(43, "another amount", _sealed(xml=telling(asked="1.00", processed="1.00"))),
    _of_nobody(43, "another currency", _sealed(xml=telling(currency="EUR"))),
    _refused(44, "bits turned over, without a secret", _flip(_closed), FINAL, door="mobilpay-bare"),
    _of_nobody(44, "bits turned over", _flip(told.address), door="mobilpay-old"),
    *(
        _told(
            45,
            f"{action} with the error {code}",
            _sealed(xml=telling(action=action, code=code)),
            events=[("done", None)],
            changes=NOTED | _ATTEMPTS,
        )
        for action in ("confirmed", "paid", "confirmed_pending", "paid_pending")
        for code in ("16", "35", "99", "-1")
    ),
    _dead(45, "confirmed without a code", "malformed_event", code=""),
    _dead(45, "confirmed with a word for a code", "malformed_event", code="OK"),
    _told(
        45,
        "a refund with an error",
        _sealed(xml=telling(action="credit", code="54")),
        before=[_sealed()],
        events=[("ignored", "the refund was not made")],
        changes=KEPT,
    ),
    *(
        _told(
            46,
            f"{action} alone",
            _sealed(xml=telling(action=action)),
            events=[("done", None)],
            changes=NOTED | _ATTEMPTS,
        )
        for action in ("paid", "paid_pending", "confirmed_pending", "canceled")
    ),
    _told(
        46,
        "an order that is only begun",
        _sealed(xml=telling(action="new")),
        events=[("ignored", "says nothing about money")],
        changes=KEPT,
    ),
    _refused(46, "an action that is none", _sealed(xml=telling(action="chargeback")), FINAL),
    _told(
        47,
        "a refund above the payment",
        _sealed(xml=telling(action="credit", processed="-300.00")),
        before=[_sealed()],
        events=[("done", None)],
        attention=["loss", "refunded"],
        postings=["allocate", "loss", "refund"],
        changes=(BOOKED - {"payment_names"}) | {"attention", "invoices"},
        is_other=True,
    ),
    *(
        _told(
            48,
            f"{amount} where 242.00 was asked for",
            _sealed(xml=telling(processed=amount)),
            events=[("done", None)],
            attention=attention,
            postings=["receive", "allocate"],
            changes=changes | {"attention"} | _ATTEMPTS,
        )
        for amount, attention, changes in (
            ("0.01", ["fact_disagrees"], APPLIED - {"reminders"}),
            ("242.01", ["fact_disagrees", "overpaid"], APPLIED),
        )
    ),
    *(
        _dead(48, f"the amount {amount}", "malformed_amount", processed=amount)
        for amount in ("0", "1e3", "1,000.00", "１０.00", "2.001")
    ),
    _xml(49, "two notices", told.replaced("</mobilpay>", "</mobilpay><mobilpay/>")),
    _xml(49, "an order in the order", told.replaced("<params>", "<order/><params>")),
    _xml(49, "two orders", lambda scene: told.notice(scene) * 2),
    _xml(49, "two actions", told.replaced("<action>", "<action>paid</action><action>")),
    _xml(49, "two errors", told.replaced("<error ", '<error code="0"/><error ')),
    _xml(49, "a namespace", told.replaced("<order ", '<order xmlns="http://x" ')),
    _xml(49, "a prefix", told.replaced("<mobilpay ", '<mobilpay xmlns:m="http://x" ')),
    _xml(49, "one attribute twice", told.replaced('type="card"', 'type="card" id="X-1"')),
    *(
        _bare(50, name, order_id=order)
        for name, order in {
            "an unknown order": "INV-999999-1",
            "a way out": "../../etc/passwd",
            "SQL": "' OR 1=1--",
            "no name": "",
            "10 kB": "I" * 10_000,
        }.items()
    ),
    *(
        _of_nobody(50, name, _sealed(xml=telling(order_id=order)))
        for name, order in {
            "an unknown order": "INV-999999-1",
            "a way out": "../../etc/passwd",
            "SQL": "' OR 1=1--",
            "no name": "",
            "10 kB": "I" * 10_000,
        }.items()
    ),
)


def _of_another(scene: Scene, order_id: str, money: Money) -> str:
    """What another address says, with the proof of the scene's own."""
    says = seal.secret(order_id, money).partition(".")[0]
    return f"{PATH}/{says}.{told.address(scene).rpartition('.')[2]}"
