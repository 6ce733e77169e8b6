"""The order that a customer's browser carries to MobilPay's page, sealed for MobilPay."""

from dataclasses import dataclass
from urllib.parse import quote_plus, urlsplit
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from lxml import etree

from domain import money
from domain.errors import Refused
from domain.links import SESSION_LIFE
from gateways import mobilpay_form, mobilpay_seal
from gateways.port import Form, Order

LIVE_HOST = "secure.mobilpay.ro"

# The only one that every account is cleared for; MobilPay turns others into it at its own rate.
CURRENCY = "RON"
_LEAST_MINOR, _MOST_MINOR = 10, 99_999_00
_LONGEST_ORDER_ID = 64
_LONGEST_DETAILS = 250
_ZONE = ZoneInfo("Europe/Bucharest")


@dataclass(frozen=True, slots=True)
class Page:
    """MobilPay's page: where it is, and whose key orders for it are sealed with."""

    url: str
    key: RSAPublicKey

    def form(self, order: Order, xml: bytes, cipher: str) -> Form:
        """What the browser posts; sealed anew each time, and always the same order."""
        sealed = mobilpay_seal.seal(xml, self.key, cipher)
        english = "/en" if order.language == "en" else ""
        return Form(f"{self.url.rstrip('/')}{english}", mobilpay_form.fields_of(sealed))


def is_live(url: str) -> bool:
    """Whether real money is paid at MobilPay's page of this address."""
    return urlsplit(url).hostname == LIVE_HOST


def xml(order: Order, signature: str, confirm_url: str, cipher: str) -> bytes:
    """The order as MobilPay wants it: the same order is the same words, whenever it is said.

    `cipher` is what MobilPay is to seal its notices with.

    Refused when MobilPay takes no such order.
    """
    if order.money.currency != CURRENCY:
        raise Refused("unsupported_currency", f"MobilPay is asked for no {order.money.currency}")
    if not _LEAST_MINOR <= order.money.minor <= _MOST_MINOR:
        raise Refused("unsupported_amount", f"MobilPay takes no {order.money}")
    if len(order.order_id) > _LONGEST_ORDER_ID:
        raise Refused("unsupported_order", f"{order.order_id} is too long for MobilPay")
    root = etree.Element("order", type="card", id=order.order_id, timestamp=_began(order))
    _add(root, "signature", signature)
    invoice = _add(
        root,
        "invoice",
        currency=order.money.currency,
        amount=money.decimal_text(order.money),
    )
    _add(invoice, "details", quote_plus(order.description[:_LONGEST_DETAILS]))
    _contact(invoice, order)
    _add(root, "ipn_cipher", cipher)
    param = _add(_add(root, "params"), "param")
    _add(param, "name", "order_id")
    _add(param, "value", quote_plus(order.order_id))
    url = _add(root, "url")
    _add(url, "return", order.return_url)
    _add(url, "confirm", confirm_url)
    told: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return told


def _contact(invoice: etree._Element, order: Order) -> None:
    """What spares the customer from typing it; where we know none the page asks him."""
    if order.email is not None:
        billing = _add(_add(invoice, "contact_info"), "billing", type="person")
        _add(billing, "email", quote_plus(order.email))


def _began(order: Order) -> str:
    """When the attempt began, in Romanian time, out of when it ends."""
    return (order.expires_at - SESSION_LIFE).astimezone(_ZONE).strftime("%Y%m%d%H%M%S")


def _add(
    parent: etree._Element, name: str, text: str | None = None, **attributes: str
) -> etree._Element:
    element = etree.SubElement(parent, name, dict[str, str](attributes))
    element.text = text
    return element
