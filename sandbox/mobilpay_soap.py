"""MobilPay's SOAP, `/mobilpay/api/payment2`: log in, then give back, capture or let go.

Envelopes are as NETOPIA's PHP example and npm's clients send and read them; no WSDL is at hand.
A refused login or session is a fault, a refused request a result with its code.
"""

import re
import secrets
from collections.abc import Callable
from decimal import Decimal
from hmac import compare_digest

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import mobilpay_payments as payments
from sandbox.mobilpay_account import MobilpayAccount
from sandbox.mobilpay_errors import MESSAGES, MobilpayError
from sandbox.mobilpay_notices import Notice

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OWN = "http://sandboxsecure.mobilpay.ro/api/payment2/"
_MOST_BYTES = 64 * 1024
_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?", re.ASCII)

Asked = dict[str, str]


class Fault(Exception):  # noqa: N818 - SOAP's own word
    """A call that came to nothing, and says so outside of any result."""


def routes(account: MobilpayAccount) -> list[Route]:
    """The one address, with and without its last stroke."""

    async def call(request: Request) -> Response:
        return await _called(account, await request.body())

    return [Route(path, call, methods=["POST"]) for path in ("/api/payment2", "/api/payment2/")]


async def _called(account: MobilpayAccount, body: bytes) -> Response:
    knobs = account.knobs
    fault = knobs.fault(is_post=True)
    if fault in ("error_before", "error_kept"):
        knobs.count(fault)
        return _broken()
    told = body.decode(errors="replace")
    await knobs.linger(fault, told)
    try:
        verb, asked = _read(body)
        answer = _answered(account, verb, asked)
    except Fault as wrong:
        answer = _fault(str(wrong))
    await knobs.hold("hold_after", told)
    if fault == "error_after":
        knobs.count(fault)
        return _broken()
    return answer


def _read(body: bytes) -> tuple[str, Asked]:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        root = etree.fromstring(body, parser) if len(body) <= _MOST_BYTES else None
    except (etree.XMLSyntaxError, ValueError):
        root = None
    call = None if root is None else root.find(f"{{{_SOAP}}}Body/*")
    request = None if call is None else call.find("request")
    if call is None or request is None:
        raise Fault("Bad Request")
    return etree.QName(call).localname, {str(each.tag): each.text or "" for each in request}


def _answered(account: MobilpayAccount, verb: str, asked: Asked) -> Response:
    if verb == "logIn":
        return _answer(verb, {"id": _login(account, asked)})
    if verb not in _VERBS:
        raise Fault(f"Function ('{verb}') is not a valid method for this service")
    if asked.get("sessionId") not in account.logins:
        raise Fault("Invalid session")
    if asked.get("sacId") != account.options.mobilpay_signature:
        raise Fault("Invalid account")
    try:
        notice = _VERBS[verb](account, asked)
    except MobilpayError as error:
        return _answer(verb, {"code": str(error.code), "message": MESSAGES[error.code]})
    account.tell(notice)
    return _answer(verb, {"code": "0", "message": MESSAGES[0]})


def _login(account: MobilpayAccount, asked: Asked) -> str:
    given = (asked.get("username", ""), asked.get("password", ""))
    known = (account.options.mobilpay_user, account.options.mobilpay_password)
    if not all(compare_digest(a.encode(), b.encode()) for a, b in zip(given, known, strict=True)):
        raise Fault("Invalid username or password")
    session = secrets.token_hex(16)
    account.logins.add(session)
    account.knobs.count("logins")
    return session


def _credit(account: MobilpayAccount, asked: Asked) -> Notice:
    return payments.credit(account, account.order(asked.get("orderId", "")), _amount(asked))


def _capture(account: MobilpayAccount, asked: Asked) -> Notice:
    return payments.capture(account, account.order(asked.get("orderId", "")), _amount(asked))


def _cancel(account: MobilpayAccount, asked: Asked) -> Notice:
    return payments.cancel(account, account.order(asked.get("orderId", "")))


_VERBS: dict[str, Callable[[MobilpayAccount, Asked], Notice]] = {
    "credit": _credit,
    "capture": _capture,
    "cancel": _cancel,
}


def _amount(asked: Asked) -> Decimal:
    text = asked.get("amount", "")
    if not _AMOUNT.fullmatch(text) or not Decimal(text):
        raise MobilpayError(32)
    return Decimal(text)


def _answer(verb: str, result: Asked) -> Response:
    told = etree.Element(f"{{{_OWN}}}{verb}Response", nsmap={"ns1": _OWN})
    outer = etree.SubElement(told, f"{verb}Result")
    for name, text in result.items():
        etree.SubElement(outer, name).text = text
    return _envelope(told, 200)


def _fault(text: str) -> Response:
    told = etree.Element(f"{{{_SOAP}}}Fault")
    etree.SubElement(told, "faultcode").text = "SOAP-ENV:Server"
    etree.SubElement(told, "faultstring").text = text
    return _envelope(told, 500)


def _envelope(told: etree._Element, status: int) -> Response:
    envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"SOAP-ENV": _SOAP})
    etree.SubElement(envelope, f"{{{_SOAP}}}Body").append(told)
    printed = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return Response(printed, status, media_type="text/xml; charset=utf-8")


def _broken() -> Response:
    return Response("<html><body>Internal Server Error</body></html>", 500, media_type="text/html")
