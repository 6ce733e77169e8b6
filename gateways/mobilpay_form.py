"""MobilPay's form fields: what a delivery travels in, and what is kept of one."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from domain.errors import Untrusted
from gateways.mobilpay_seal import RC4, Sealed
from gateways.port import Delivery, Malformed

_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 16
# What is kept is a little longer than what came, and fits where 256 KiB do.
_MOST_BYTES = 192 * 1024
_NEEDED = ("env_key", "data")
_KNOWN = (*_NEEDED, "cipher", "iv")
# How what MobilPay answered to us begins, as it is kept; no form of MobilPay's does.
OURS = b"{"
# Added by us to what is kept of a delivery, so that reading knows which address it came to.
_SECRET = "incasso_secret"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery as it is kept; `secret` is of the address it came to, None for the bare one."""

    sealed: Sealed
    secret: str | None


def arrived(delivery: Delivery) -> Sealed:
    """What a delivery has sealed in it; Malformed when it is no such form."""
    if delivery.method != "POST":
        raise Malformed("it is no POST")
    if _content_type(delivery) != _TYPE:
        raise Malformed("it is no form")
    if len(delivery.body) > _MOST_BYTES:
        raise Malformed("the form is far too large")
    if delivery.body.startswith(OURS):
        raise Malformed("the form begins as what we keep of answers does")
    fields = _fields(delivery.body)
    if _SECRET in fields:
        raise Malformed("the form has a field of ours")
    return _sealed(fields)


def with_secret(body: bytes, secret: str | None) -> bytes:
    """The body byte for byte and, behind it, which address it came to."""
    return body if secret is None else b"%b&%b=%b" % (body, _SECRET.encode(), secret.encode())


def kept(raw: bytes) -> Kept:
    """A delivery that `with_secret` has made ready to be kept; Untrusted when it is none."""
    fields = _fields(raw)
    return Kept(_sealed(fields), fields.get(_SECRET))


def fields_of(sealed: Sealed) -> Mapping[str, str]:
    """The form that travels."""
    values = {"env_key": sealed.key, "data": sealed.text, "iv": sealed.iv}
    encoded = {name: base64.b64encode(value).decode() for name, value in values.items() if value}
    return {**encoded, "cipher": sealed.cipher}


def _content_type(delivery: Delivery) -> str:
    try:
        return delivery.only(b"content-type").partition(";")[0].strip().lower()
    except Untrusted as error:
        raise Malformed(error.reason) from None


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Malformed("it is no form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("the form has a field twice")
    if not all(fields.get(name) for name in _NEEDED):
        raise Malformed("the form has no env_key or no data")
    return fields


def _sealed(fields: Mapping[str, str]) -> Sealed:
    key, text, iv = (_bytes(fields.get(name, "")) for name in ("env_key", "data", "iv"))
    return Sealed(fields.get("cipher", "").strip().lower() or RC4, key, iv, text)


def _bytes(text: str) -> bytes:
    """Base64, whose plus some senders leave to become a space; it has none of its own."""
    plain = text.replace(" ", "+").replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(plain, validate=True)
    except binascii.Error:
        raise Untrusted("a field is no base64") from None
