"""Who is believed to be MobilPay: its secret address first, then a seal that opens to a notice."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from time import perf_counter
from typing import Any, cast
from urllib.parse import quote_plus, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from domain.errors import Refused, Untrusted
from domain.money import Money
from gateways.mobilpay import MobilPay, Terms
from gateways.mobilpay_seal import private_keys, public_key
from gateways.port import Claim, Delivery, Malformed, Outcome, Unreadable
from tests import mobilpay_seal as mobilpay
from tests.builders import at
from tests.mobilpay_seal import Seal

NOW = at("2026-11-20T12:00")
XML = mobilpay.recorded()

gateway = mobilpay.a_mobilpay()


def taken(delivery: Delivery, by: MobilPay = gateway) -> Any:
    return by.authenticate(delivery, {}, NOW)


@pytest.mark.parametrize("form", ["pkcs1", "pkcs8"])
def test_a_notice_at_its_secret_address_is_believed(form: str):
    keys = private_keys(mobilpay.pem("ours", form))
    one = MobilPay(Terms(mobilpay.SIGNATURE, "x"), keys, mobilpay.SECRET_KEY, is_live=True)

    envelope = taken(mobilpay.delivery(mobilpay.body()), one)

    assert envelope.account == f"{mobilpay.SIGNATURE}/live"
    assert envelope.words == XML
    assert envelope.claim is None


def test_an_old_key_of_1024_bits_opens_too():
    body = mobilpay.body(seal=Seal(key="old"))

    assert taken(mobilpay.delivery(body), mobilpay.a_mobilpay("old")).words == XML


def test_a_plus_that_became_a_space_is_a_plus():
    fields = next(
        found
        for _ in range(1000)
        if "+" in (found := Seal().fields(XML))["data"] and "+" in found["env_key"]
    )
    bare = "&".join(f"{name}={value}" for name, value in fields.items()).encode()

    assert taken(mobilpay.delivery(bare)).words == XML


@pytest.mark.parametrize("cipher", ["rc4", None])
def test_the_old_cipher_is_believed_only_when_switched_on(cipher: str | None):
    delivery = mobilpay.delivery(mobilpay.body(seal=Seal(cipher=cipher)))

    assert taken(delivery, mobilpay.a_mobilpay(has_rc4=True)).words == XML
    with pytest.raises(Untrusted):
        taken(delivery)


@pytest.mark.parametrize("size", [5, 8, 16, 24, 32])
def test_the_old_cipher_has_keys_of_many_lengths(size: int):
    body = mobilpay.body(seal=Seal(cipher="rc4", session_key=bytes(range(size))))

    assert taken(mobilpay.delivery(body), mobilpay.a_mobilpay(has_rc4=True)).words == XML


_SECRET = mobilpay.secret()
_TOLD, _, _MAC = _SECRET.partition(".")


@pytest.mark.parametrize(
    "secret",
    {
        "nothing": "",
        "no point": _TOLD,
        "no mac": f"{_TOLD}.",
        "half a mac": f"{_TOLD}.{_MAC[:-4]}",
        "more": f"{_SECRET}A",
        "padded": f"{_SECRET}=",
        "another case": _SECRET.swapcase(),
        "made with another key": mobilpay.secret(by=b"x" * 32),
        "of another order": f"{mobilpay.secret('INV-2-1').partition('.')[0]}.{_MAC}",
        "of another amount": f"{mobilpay.secret(money=Money('RON', 1)).partition('.')[0]}.{_MAC}",
        "of another currency": (
            f"{mobilpay.secret(money=Money('EUR', 120_50)).partition('.')[0]}.{_MAC}"
        ),
        "no ASCII": "é" * 20,
        "endless": "A" * 100_000,
        "climbing": "../../stripe",
        "percent": "%2e%2e",
    }.values(),
    ids=str,
)
def test_a_wrong_address_is_refused_before_any_private_key_is_touched(secret: str):
    key = _CountingKey()
    watched = MobilPay(
        Terms(mobilpay.SIGNATURE, "x"),
        (cast(RSAPrivateKey, key),),
        mobilpay.SECRET_KEY,
        is_live=False,
    )

    for body in (mobilpay.body(), b"", b"x" * 100_000):
        with pytest.raises(Untrusted):
            taken(mobilpay.delivery(body, secret), watched)

    assert key.uses == 0
    taken(mobilpay.delivery(mobilpay.body()), watched)
    assert key.uses == 1


class _CountingKey:
    """Our private key, with a count of how often it was used."""

    uses = 0

    def decrypt(self, text: bytes, padding: AsymmetricPadding) -> bytes:
        self.uses += 1
        return mobilpay.key("ours").decrypt(text, padding)


def test_the_bare_address_is_closed_unless_opened():
    delivery = mobilpay.delivery(mobilpay.body(), is_bare=True)

    with pytest.raises(Malformed):
        taken(delivery)
    opened = taken(delivery, mobilpay.a_mobilpay(has_bare_address=True))

    assert opened.claim == Claim(mobilpay.ORDER, mobilpay.MONEY)


@pytest.mark.parametrize("off", [timedelta(days=-5), timedelta(days=2)])
def test_at_the_bare_address_a_notice_has_a_window(off: timedelta):
    delivery = mobilpay.delivery(mobilpay.body(), is_bare=True)

    with pytest.raises(Malformed):
        mobilpay.a_mobilpay(has_bare_address=True).authenticate(delivery, {}, NOW - off)


def _with(**headers: bytes) -> Callable[[Delivery], Delivery]:
    named = tuple((name.replace("_", "-").encode(), value) for name, value in headers.items())
    return lambda delivery: replace(delivery, headers=named)


def _fields(**changes: str | None) -> Callable[[Delivery], Delivery]:
    fields = {**Seal().fields(XML), **changes}
    told = {name: value for name, value in fields.items() if value is not None}
    return lambda delivery: replace(delivery, body=urlencode(told).encode())


def _body(make: Callable[[bytes], bytes]) -> Callable[[Delivery], Delivery]:
    return lambda delivery: replace(delivery, body=make(delivery.body))


@pytest.mark.parametrize(
    "change",
    {
        "GET": lambda delivery: replace(delivery, method="GET"),
        "no content type": _with(),
        "JSON": _with(content_type=b"application/json"),
        "a multipart form": _with(content_type=b"multipart/form-data; boundary=x"),
        "no env_key": _fields(env_key=None),
        "no data": _fields(data=None),
        "an empty data": _fields(data=""),
        "nothing": _body(lambda _: b""),
        "two data": _body(lambda body: body + b"&data=AAAA"),
        "a field of ours": _body(lambda body: body + b"&incasso_secret=x"),
        "no ASCII": _body(lambda body: body + b"&x=\xff"),
        "200 kB beside it": _body(lambda body: body + b"&x=" + b"x" * 200_000),
        "1,000 fields": _body(lambda body: body + b"&x=1" * 1_000),
    }.items(),
    ids=lambda case: case[0],
)
def test_what_is_no_form_of_mobilpay_is_never_to_come_again(change: Any):
    with pytest.raises(Malformed):
        taken(change[1](mobilpay.delivery(mobilpay.body())))


def _sealed_with(**how: Any) -> bytes:
    return mobilpay.body(seal=Seal(**how))


def _flipped(name: str, position: int) -> bytes:
    fields = Seal().fields(XML)
    value = bytearray(base64.b64decode(fields[name]))
    value[position] ^= 1
    return urlencode({**fields, name: base64.b64encode(value).decode()}).encode()


def _short_padding() -> bytes:
    """Sealed well, and what is inside ends in no padding."""
    session_key, iv = bytes(32), bytes(16)
    fields = Seal(session_key=session_key, iv=iv).fields(XML)
    cut = base64.b64encode(base64.b64decode(fields["data"])[:-16]).decode()
    return urlencode({**fields, "data": cut}).encode()


@pytest.mark.parametrize(
    "body",
    {
        "sealed for somebody else": _sealed_with(key="strangers"),
        "sealed for MobilPay": _sealed_with(key="theirs"),
        "a touched key": _flipped("env_key", 7),
        "a touched end": _flipped("data", -1),
        "a touched middle": _flipped("data", 40),
        "no base64 in the key": mobilpay.body(env_key="not base64!"),
        "no base64 in the data": mobilpay.body(data="%%%"),
        "a short key": mobilpay.body(env_key="AAAA"),
        "an empty iv": mobilpay.body(iv=""),
        "an iv of 15 bytes": mobilpay.body(iv=base64.b64encode(bytes(15)).decode()),
        "an iv of 17 bytes": mobilpay.body(iv=base64.b64encode(bytes(17)).decode()),
        "no padding": _short_padding(),
        "half a block": mobilpay.body(data=base64.b64encode(bytes(40)).decode()),
        "another cipher": mobilpay.body(cipher="aes-128-ecb"),
        "no cipher": mobilpay.body(cipher="none"),
        "RC4 said of AES": mobilpay.body(cipher="rc4"),
        "AES said of RC4": mobilpay.body(seal=Seal(cipher="rc4"), cipher="aes-256-cbc"),
    }.items(),
    ids=lambda case: case[0],
)
@pytest.mark.parametrize("has_rc4", [True, False])
def test_what_no_key_opens_is_refused_alike(body: Any, has_rc4: bool):
    with pytest.raises(Untrusted) as refusal:
        taken(mobilpay.delivery(body[1]), mobilpay.a_mobilpay(has_rc4=has_rc4))

    assert type(refusal.value) is Untrusted


def test_a_notice_of_another_point_of_sale_is_refused_and_shown():
    body = mobilpay.body(mobilpay.a_notice(signature="ZZZZ-BBBB-CCCC-DDDD-EEEE"))

    with pytest.raises(Unreadable):
        taken(mobilpay.delivery(body))


def test_an_action_that_is_none_is_never_to_come_again():
    with pytest.raises(Malformed):
        taken(mobilpay.delivery(mobilpay.body(mobilpay.a_notice(action="chargeback"))))


_TEXT = XML.decode()
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_LAUGHS = "".join(
    f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "ha"}{"x" * 10}">' for n in range(10)
)


def _doctype(dtd: str, entity: str = "") -> bytes:
    text = _TEXT.replace(_HEAD, f"{_HEAD}{dtd}")
    return text.replace("Tranzactia aprobata", "").replace("<![CDATA[]]>", entity).encode()


def _deep(levels: int) -> bytes:
    return _TEXT.replace("<params>", "<params>" + "<a>" * levels + "</a>" * levels).encode()


@pytest.mark.parametrize(
    "xml",
    {
        "a DTD": _doctype("<!DOCTYPE order>"),
        "a DTD elsewhere": _doctype('<!DOCTYPE order SYSTEM "http://127.0.0.1:9/x.dtd">'),
        "a file": _doctype('<!DOCTYPE order [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;"),
        "an address": _doctype(
            '<!DOCTYPE order [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>', "&x;"
        ),
        "a billion laughs": _doctype(f"<!DOCTYPE order [{_LAUGHS}]>", "&l9;"),
        "a quadratic blow-up": _doctype(
            f'<!DOCTYPE order [<!ENTITY a "{"a" * 20_000}">]>', "&a;" * 5_000
        ),
        "a parameter entity": _doctype(
            '<!DOCTYPE order [<!ENTITY % x SYSTEM "http://127.0.0.1:9/"> %x;]>'
        ),
        "an unknown entity": _TEXT.replace("<![CDATA[Tranzactia aprobata]]>", "&x;").encode(),
        "XInclude": _TEXT.replace(
            "<params>",
            '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/><params>',
        ).encode(),
        "a style sheet": _TEXT.replace(_HEAD, f'{_HEAD}<?xml-stylesheet href="x"?>').encode(),
        "a comment": _TEXT.replace(">confirmed<", ">con<!-- -->firmed<").encode(),
        "13 deep": _deep(13),
        "5,000 deep": _deep(5_000),
        "2,000 elements": _TEXT.replace("<params>", "<params>" + "<a/>" * 2_000).encode(),
        "a thousand attributes": _TEXT.replace(
            "<params>", "<params " + " ".join(f'a{n}="1"' for n in range(1_000)) + ">"
        ).encode(),
        "one attribute twice": _TEXT.replace('type="card"', 'type="card" id="other"').encode(),
        "100 kB": _TEXT.replace("aprobata", "a" * 100_000).encode(),
        "UTF-16": _TEXT.encode("utf-16"),
        "UTF-16 as it says": _TEXT.replace("utf-8", "utf-16").encode("utf-16"),
        "UTF-7 as it says": _TEXT.replace("utf-8", "utf-7").encode("utf-7"),
        "Latin as it says": _TEXT.replace("utf-8", "iso-8859-1").encode("latin-1"),
        "a mark before it": b"\xef\xbb\xbf" + XML,
        "a NUL": _TEXT.replace("aprobata", "\0").encode(),
        "no UTF-8": XML.replace(b"aprobata", b"\xff\xfe"),
        "cut off": XML[:-20],
        "two orders": XML + XML,
        "an order in an order": _TEXT.replace("<params>", "<params><order/>").encode(),
        "two notices": _TEXT.replace("</mobilpay>", "</mobilpay><mobilpay/>").encode(),
        "a notice in the notice": _TEXT.replace("<customer", "<mobilpay/><customer").encode(),
        "two actions": _TEXT.replace("<action>", "<action>paid</action><action>").encode(),
        "two errors": _TEXT.replace("<error", '<error code="0"/><error').encode(),
        "two purchases": _TEXT.replace("<purchase>", "<purchase>1</purchase><purchase>").encode(),
        "two amounts": re.sub(r"(<processed_amount>.*)\n", r"\1\1\n", _TEXT).encode(),
        "two invoices": _TEXT.replace("</invoice>", '</invoice><invoice currency="RON"/>').encode(),
        "an element in the action": _TEXT.replace(">confirmed<", "><b>confirmed</b><").encode(),
        "a namespace": _TEXT.replace("<order ", '<order xmlns="http://x" ').encode(),
        "a prefix": _TEXT.replace("<action>", '<action xmlns:x="http://x">').encode(),
        "no notice": re.sub(r"<mobilpay.*</mobilpay>", "", _TEXT, flags=re.S).encode(),
        "no error": re.sub(r"<error.*</error>", "", _TEXT).encode(),
        "another root": _TEXT.replace("<order ", "<orders ")
        .replace("/order>", "/orders>")
        .encode(),
        "a web page": b"<html><body>order</body></html>",
        "nothing": b"",
        "JSON": b'{"order": {}}',
    }.items(),
    ids=lambda case: case[0],
)
def test_xml_that_is_no_plain_notice_is_refused_at_once(xml: Any):
    delivery = mobilpay.delivery(mobilpay.body(xml[1]))
    began = perf_counter()

    with pytest.raises(Untrusted) as refusal:
        taken(delivery)

    assert type(refusal.value) is Untrusted
    assert perf_counter() - began < 5  # a bound against expansion, not a measurement


def test_what_mobilpay_hears():
    told = {outcome: gateway.reply(outcome) for outcome in Outcome}

    assert {reply.status for reply in told.values()} == {200}
    assert {reply.content_type for reply in told.values()} == {b"application/xml"}
    head = b'<?xml version="1.0" encoding="utf-8"?>\n'
    thanks = head + b"<crc>ok</crc>\n"
    assert [told[each].body for each in (Outcome.KEPT, Outcome.DUPLICATE)] == [thanks] * 2
    assert told[Outcome.DIFFERS].body == thanks
    assert told[Outcome.UNTRUSTED].body == (
        head + b'<crc error_type="1" error_code="1">refused</crc>\n'
    )
    assert told[Outcome.MALFORMED].body == (
        head + b'<crc error_type="2" error_code="2">refused</crc>\n'
    )
    assert told[Outcome.BUSY].body == head + b'<crc error_type="1" error_code="3">busy</crc>\n'


@pytest.mark.parametrize("code", ["0", "20"])
def test_mobilpay_reads_its_own_word_again_whether_paid_or_declined(code: str):
    envelope = taken(mobilpay.delivery(mobilpay.body(mobilpay.a_notice(code=code))))

    assert envelope.thanks.body == mobilpay.recorded("reply")


def test_a_word_that_is_markup_is_written_as_text():
    envelope = taken(mobilpay.delivery(mobilpay.body(mobilpay.a_notice(crc="a&lt;b&amp;c"))))

    assert b"<crc>a&lt;b&amp;c</crc>" in envelope.thanks.body


@pytest.mark.parametrize(
    ("pem", "code"),
    [
        ("", "no_private_key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "no_private_key"),
        (mobilpay.certificate("ours"), "no_private_key"),
    ],
    ids=["nothing", "noise", "a certificate"],
)
def test_without_a_private_key_there_is_no_mobilpay(pem: str, code: str):
    with pytest.raises(Refused, match=code):
        private_keys(pem)


@pytest.mark.parametrize("pem", ["", "noise", mobilpay.pem("ours")], ids=["", "noise", "private"])
def test_without_a_certificate_no_order_is_sealed(pem: str):
    with pytest.raises(Refused, match="no_public_cert"):
        public_key(pem)


def test_an_empty_secret_or_signature_is_no_mobilpay():
    keys = private_keys(mobilpay.pem("ours"))

    for terms, secret, code in (
        (Terms("", "x"), mobilpay.SECRET_KEY, "no_signature"),
        (Terms(mobilpay.SIGNATURE, "x"), b"short", "no_secret_key"),
        (Terms(mobilpay.SIGNATURE, "x"), b"", "no_secret_key"),
    ):
        with pytest.raises(Refused, match=code):
            MobilPay(terms, keys, secret, is_live=False)
    with pytest.raises(Refused, match="no_private_key"):
        MobilPay(Terms(mobilpay.SIGNATURE, "x"), (), mobilpay.SECRET_KEY, is_live=False)


def test_a_secret_is_plain_in_an_address_and_tells_orders_apart():
    secrets = {
        mobilpay.secret(order, Money(currency, minor))
        for order in ("INV-1-1", "INV-1-11", "INV/2026/1-1")
        for minor in (1, 10, 11)
        for currency in ("RON", "EUR")
    }

    assert len(secrets) == 18
    assert all(quote_plus(each) == each and len(each) < 120 for each in secrets)
