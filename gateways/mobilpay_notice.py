"""MobilPay's notice: XML out of an opened seal, taken apart without believing that it is harmless.

Whoever can seal can send any XML. So there is no DTD, no entity, no comment, no namespace and no
second element of a name that money hangs on, and little of everything.
"""

import re
from dataclasses import dataclass

from lxml import etree

from domain.errors import Untrusted

MOST_BYTES = 64 * 1024
_MOST_ELEMENTS = 1_000
_MOST_ATTRIBUTES = 8
_DEEPEST = 12

ACTIONS = frozenset(
    ("new", "confirmed", "confirmed_pending", "paid", "paid_pending", "canceled", "credit")
)

_DECLARATION = re.compile(
    r"""<\?xml version=["']1\.0["']( encoding=["']utf-8["'])?( standalone=["']yes["'])?\s*\?>""",
    re.IGNORECASE,
)
# Anything that starts like markup and is neither an element nor CDATA: DTD, entity, comment, PI.
_BESIDE_ELEMENTS = re.compile(r"<!(?!\[CDATA\[)|<\?")
_CDATA = re.compile(r"<!\[CDATA\[.*?\]\]>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice says, in its own words; an element that is not there is an empty text.

    `asked` and `processed` are decimal texts; `told_at` is MobilPay's timestamp, `crc` what it
    wants to read again.
    """

    order_id: str
    signature: str
    currency: str
    amount: str
    action: str
    code: str
    message: str
    purchase: str
    asked: str
    processed: str
    told_at: str
    crc: str


def parse(xml: bytes) -> Notice:
    """The notice in this XML; Untrusted when it is none."""
    order = _root(_text(xml))
    told = _one(order, "mobilpay")
    invoice = _one(order, "invoice")
    error = _one(told, "error")
    return Notice(
        order_id=order.get("id", "").strip(),
        signature=_content(order, "signature"),
        currency=invoice.get("currency", "").strip(),
        amount=invoice.get("amount", "").strip(),
        action=_content(told, "action"),
        code=error.get("code", "").strip(),
        message=(error.text or "").strip(),
        purchase=_maybe(told, "purchase"),
        asked=_maybe(told, "original_amount"),
        processed=_maybe(told, "processed_amount"),
        told_at=told.get("timestamp", "").strip(),
        crc=told.get("crc", "").strip(),
    )


def _text(xml: bytes) -> str:
    """The XML as text without its declaration, looked over before any parser sees it."""
    if len(xml) > MOST_BYTES:
        raise Untrusted("the notice is too large")
    try:
        text = xml.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Untrusted("the notice is no UTF-8") from None
    if text.startswith("<?xml"):
        declaration = _DECLARATION.match(text)
        if declaration is None:
            raise Untrusted("the notice is declared as something else")
        text = text[declaration.end() :].lstrip()
    if "\0" in text or _BESIDE_ELEMENTS.search(_CDATA.sub("", text)):
        raise Untrusted("the notice has more than elements")
    return text


def _root(text: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError:
        raise Untrusted("the notice is no XML") from None
    _look_over(root)
    if root.tag != "order":
        raise Untrusted("the notice is of something else")
    return root


def _look_over(root: etree._Element) -> None:
    """Bounds what is there, and refuses what could be read in two ways."""
    tags: list[str] = []
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        tags.append(str(element.tag))
        if element.nsmap or len(element.attrib) > _MOST_ATTRIBUTES:
            raise Untrusted("the notice has namespaces, or far too many attributes")
        if len(tags) > _MOST_ELEMENTS or depth > _DEEPEST:
            raise Untrusted("the notice is far too large or deep")
    if tags.count("order") != 1 or tags.count("mobilpay") != 1:
        raise Untrusted("the notice has two notices in it")


def _one(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(name)
    if len(found) != 1:
        raise Untrusted(f"{name} is not there exactly once")
    return found[0]


def _content(parent: etree._Element, name: str) -> str:
    element = _one(parent, name)
    if len(element):
        raise Untrusted(f"{name} is no text")
    return (element.text or "").strip()


def _maybe(parent: etree._Element, name: str) -> str:
    return _content(parent, name) if parent.findall(name) else ""
