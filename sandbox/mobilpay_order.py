"""MobilPay's orders as they arrive: a form that a customer's browser posts, and the XML in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from lxml import etree

from sandbox import mobilpay_seal
from sandbox.mobilpay_errors import MobilpayError
from sandbox.mobilpay_seal import AES, RC4, Pair, Sealed

# What every account is cleared for; other currencies only by agreement.
_CURRENCIES = frozenset(("RON",))
_LEAST, _MOST = Decimal("0.10"), Decimal(99999)
_LONGEST_ID = 64
_MOST_BYTES = 64 * 1024

_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a seller asks for by one order; `xml` is his own words, which notices repeat."""

    id: str
    amount: Decimal
    currency: str
    details: str
    confirm_url: str
    return_url: str
    cipher: str
    xml: bytes


def read(fields: Mapping[str, str], pair: Pair, signature: str) -> Asked:
    """The order in a form; MobilpayError where something is wrong with it."""
    try:
        xml = mobilpay_seal.opened(fields, pair)
    except Sealed:
        raise MobilpayError(48, "env_key and data cannot be opened") from None
    order = _parsed(xml)
    if order.findtext("signature") != signature:
        raise MobilpayError(48, "the signature is of no point of sale here")
    return _asked(order, xml)


def _parsed(xml: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        root = etree.fromstring(xml, parser) if len(xml) <= _MOST_BYTES else None
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or root.tag != "order":
        raise MobilpayError(48, "data is no order")
    return root


def _asked(order: etree._Element, xml: bytes) -> Asked:
    invoice = order.find("invoice")
    if invoice is None or order.get("type") != "card":
        raise MobilpayError(48, "there is no invoice, or the order is for no card")
    id_ = order.get("id", "")
    if not 0 < len(id_) <= _LONGEST_ID or not _TIMESTAMP.fullmatch(order.get("timestamp", "")):
        raise MobilpayError(48, "the order's id or timestamp")
    currency = invoice.get("currency", "")
    if currency not in _CURRENCIES:
        raise MobilpayError(33, currency)
    cipher = order.findtext("ipn_cipher") or RC4
    if cipher not in (AES, RC4):
        raise MobilpayError(48, "ipn_cipher")
    return Asked(
        id=id_,
        amount=_amount(invoice.get("amount", "")),
        currency=currency,
        details=invoice.findtext("details") or "",
        confirm_url=_address(order.findtext("url/confirm")),
        return_url=_address(order.findtext("url/return")),
        cipher=cipher,
        xml=xml,
    )


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text) or not _LEAST <= Decimal(text) <= _MOST:
        raise MobilpayError(32, text)
    return Decimal(text)


def _address(text: str | None) -> str:
    """The real one wants ports 80 and 443; here every port of this machine will do."""
    if text is None or urlsplit(text).scheme not in ("http", "https"):
        raise MobilpayError(48, "url/confirm or url/return")
    return text
