"""What MobilPay tells a seller: his own order, and in it what became of it, as XML."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from lxml import etree

from sandbox.mobilpay_errors import MESSAGES

Action = Literal["confirmed", "confirmed_pending", "paid", "paid_pending", "canceled", "credit"]

# No zone is told; it is a Romanian company, and its panel shows Romanian time.
_ZONE = ZoneInfo("Europe/Bucharest")


@dataclass(frozen=True, slots=True)
class Notice:
    """One telling; `processed` is what this action moved or would have, in whole units.

    `at` and `crc` are of this telling: the same may be told again at another instant.
    """

    id: str
    order_id: str
    action: Action
    code: int
    purchase: str
    asked: Decimal
    processed: Decimal
    at: datetime
    crc: str

    def again(self, at: datetime, crc: str) -> "Notice":
        """The same, told at another instant and so with another crc."""
        return replace(self, at=at, crc=crc)


def xml(order: bytes, notice: Notice) -> bytes:
    """The seller's order with the notice as its last element."""
    root = etree.fromstring(order, etree.XMLParser(resolve_entities=False, no_network=True))
    at = notice.at.astimezone(_ZONE).strftime("%Y%m%d%H%M%S")
    told = etree.SubElement(root, "mobilpay", timestamp=at, crc=notice.crc)
    _add(told, "action", notice.action)
    customer = etree.SubElement(told, "customer", type="person")
    for name, text in _CUSTOMER.items():
        etree.SubElement(customer, name).text = etree.CDATA(text)
    _add(told, "purchase", notice.purchase)
    _add(told, "original_amount", f"{notice.asked:.2f}")
    _add(told, "processed_amount", f"{notice.processed:.2f}")
    _add(told, "current_payment_count", "1")
    _add(told, "pan_masked", "9****5098")
    _add(told, "rrn", f"99{notice.purchase}")
    _add(told, "payment_instrument_id", "41679")
    _add(told, "installments", "1")
    error = etree.SubElement(told, "error", code=str(notice.code))
    error.text = etree.CDATA(MESSAGES[notice.code])
    printed: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return printed


# Encoded as forms are, in CDATA.
_CUSTOMER = {
    "first_name": "%C8%98tefan",
    "last_name": "Pop+%26+Fii",
    "address": "Str.+Lung%C4%83+1",
    "email": "s%40example.ro",
    "mobile_phone": "0722000000",
}


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = text
