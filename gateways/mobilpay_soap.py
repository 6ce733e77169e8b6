"""Giving money back through MobilPay's SOAP service: a session first, then one `credit`.

The service is described at its own address (`?wsdl`), which is not ours to read; the calls and the
answers are those of four clients on GitHub, read 2026-11-21: a session is asked for with a user and
a password of the panel, an order is known by our own id of it, `code` 0 says that the money goes.
"""

import json
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from domain import money
from domain.errors import Refused, TryLater
from domain.facts import Fact, FactClass, FactKey, Move, Reading, Report, Status, Trust
from domain.money import decimal_text
from gateways import strict_json
from gateways.mobilpay_form import OURS
from gateways.mobilpay_order import CURRENCY
from gateways.mobilpay_reports import NAME
from gateways.port import NotAsked, Repayment, Taken

if TYPE_CHECKING:
    import httpx

# What the frame around MobilPay's own words is called.
OBJECT = "credit"

# Where the service is, below MobilPay's page.
PATH = "/api/payment2/"

# Two answers, and together less than the time that an errand is given.
_SESSION_SECONDS = 4.0
_CREDIT_SECONDS = 8.0
_CONNECT_SECONDS = 2.0
_LONGEST_BYTES = 65_536
_LONGEST_REASON = 200
_PAUSE = timedelta(minutes=1)

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
# The sandbox calls its own words by its plain address, wherever one asks it.
_NAMESPACES = {"sandboxsecure.mobilpay.ro": f"http://sandboxsecure.mobilpay.ro{PATH}"}

_DONE = "0"
# A duplicate may be the one that went before, and a general error may be anything.
_UNSURE = ("56", "99")


class _Answer(NamedTuple):
    """What was answered, and what is in its body: the result of the call, or a fault."""

    body: bytes
    result: etree._Element | None
    fault: etree._Element | None


class MobilPaySoap:
    """A point of sale's way to the service at `url`, by a user of the panel."""

    def __init__(self, url: str, user: str, password: str, signature: str) -> None:
        self.url = url
        self._namespace = _NAMESPACES.get(urlsplit(url).hostname or "", url)
        self._who = {"username": user, "password": password}
        self._signature = signature

    @cached_property
    def _client(self) -> "httpx.Client":
        """Made by the one who asks. A plain address is of this machine: no proxy leads there."""
        import httpx

        return httpx.Client(
            follow_redirects=False,
            headers={"Content-Type": "text/xml; charset=utf-8"},
            mounts={"http://": httpx.HTTPTransport()},
        )

    def refund(self, repayment: Repayment) -> Taken:
        """Gives back, and again each time it is asked: MobilPay knows no key.

        Refused: nothing goes back; NotAsked: it was not asked for yet; TryLater: nobody knows.
        """
        if repayment.order_id is None:
            raise Refused(
                "unknown_order", f"nobody has told which order of ours {repayment.reference} paid"
            )
        if repayment.money.currency != CURRENCY:
            raise Refused("unsupported_currency", f"MobilPay gives no {repayment.money} back")
        session = self._session()
        asked = {
            "sessionId": session,
            "sacId": self._signature,
            "orderId": repayment.order_id,
            "amount": decimal_text(repayment.money),
        }
        answer = self._call("credit", asked, _CREDIT_SECONDS)
        code, reason = _code(answer)
        if code in (None, *_UNSURE):
            raise TryLater(_PAUSE, f"MobilPay does not say whether it gave back: {reason}")
        if code != _DONE:
            raise Refused("refund_refused", f"MobilPay gives nothing back, code {code}: {reason}")
        return Taken(repayment.key, repayment.reference, _frame(repayment, answer.body))

    def _session(self) -> str:
        """A session's id. Before there is one nothing has been asked for."""
        try:
            answer = self._call("logIn", self._who, _SESSION_SECONDS)
        except TryLater as busy:
            raise NotAsked(busy.after, busy.detail) from busy
        session = _text(answer.result, "id")
        if not session:
            raise Refused(
                "key_refused",
                "MobilPay gives MOBILPAY_API_USER no session; set one, and MOBILPAY_API_PASSWORD,"
                f" that may give money back in its panel: {_reason(answer)}",
            )
        return session

    def _call(self, verb: str, asked: dict[str, str], seconds: float) -> _Answer:
        status, body = self._post(self._request(verb, asked), seconds)
        answer = _opened(body, verb)
        if not (status == 200 and answer.result is not None) and answer.fault is None:
            raise TryLater(_PAUSE, f"MobilPay is busy: it answered {verb} with {status}")
        return answer

    def _request(self, verb: str, asked: dict[str, str]) -> bytes:
        envelope = etree.Element(
            f"{{{_ENVELOPE}}}Envelope", nsmap={"soapenv": _ENVELOPE, "pay": self._namespace}
        )
        body = etree.SubElement(envelope, f"{{{_ENVELOPE}}}Body")
        request = etree.SubElement(
            etree.SubElement(body, f"{{{self._namespace}}}{verb}"), "request"
        )
        for name, text in asked.items():
            etree.SubElement(request, name).text = text
        told: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        return told

    def _post(self, body: bytes, seconds: float) -> tuple[int, bytes]:
        import httpx

        until = monotonic() + seconds
        timeout = httpx.Timeout(seconds, connect=_CONNECT_SECONDS)
        told = b""
        try:
            with self._client.stream("POST", self.url, content=body, timeout=timeout) as answer:
                for part in answer.iter_bytes():
                    told += part
                    if len(told) > _LONGEST_BYTES:
                        raise TryLater(_PAUSE, "MobilPay's answer is far too long")
                    if monotonic() > until:
                        raise TryLater(_PAUSE, "MobilPay answers too slowly")
                return answer.status_code, told
        except httpx.HTTPError as error:
            raise TryLater(_PAUSE, f"MobilPay is away: {type(error).__name__}") from error


def is_frame(raw: bytes) -> bool:
    """Whether something kept is what was answered to us, and no delivery."""
    return raw.startswith(OURS)


def given_back(account: str, raw: bytes) -> Reading:
    """A refund that MobilPay made for us, by the name that we gave it; Refused where it is none."""
    try:
        told = strict_json.parse(raw)
        fact = Fact(
            key=FactKey(NAME, account, told["purchase"], Move.OUT, told["key"]),
            status=Status.SUCCEEDED,
            fact_class=FactClass.REFUND,
            money=money.parse(told["amount"], told["currency"]),
            trust=Trust.LOOKUP,
            happened_at=datetime.fromisoformat(told["at"]),
        )
    except (ValueError, TypeError, KeyError):
        raise Refused("malformed_answer", "it is nothing that MobilPay answered to us") from None
    return (Report(fact, (fact.key.reference,)),)


def _frame(repayment: Repayment, answer: bytes) -> bytes:
    """All that ever tells which refund this was, with MobilPay's own words in it."""
    told = {
        "object": OBJECT,
        "purchase": repayment.reference,
        "order": repayment.order_id,
        "amount": decimal_text(repayment.money),
        "currency": repayment.money.currency,
        "key": repayment.key,
        "at": repayment.at.isoformat(),
        "answer": answer.decode(),
    }
    return json.dumps(told, ensure_ascii=False).encode()


def _code(answer: _Answer) -> tuple[str | None, str]:
    """The code of what came of a credit, None where it says nothing, and why.

    A fault is one only with a code of MobilPay's own: any other may have come after the money went.
    """
    told, name = (answer.fault, "faultcode") if answer.result is None else (answer.result, "code")
    code = _text(told, name)
    return (code if code.isascii() and code.isdigit() else None), _reason(answer)


def _reason(answer: _Answer) -> str:
    said = _text(answer.fault, "faultstring") or _text(answer.result, "message")
    return "".join(sign for sign in said if sign.isprintable())[:_LONGEST_REASON] or "it says none"


def _opened(body: bytes, verb: str) -> _Answer:
    """The one result or fault of an answer; what is no SOAP comes from somebody between us."""
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False
    )
    try:
        text = body.decode("utf-8")
        if "<!DOCTYPE" in text:
            raise TryLater(_PAUSE, "MobilPay's answer has a document type")
        root = etree.fromstring(body, parser)
    except (UnicodeDecodeError, etree.XMLSyntaxError) as error:
        raise TryLater(_PAUSE, "MobilPay's answer is no XML") from error
    inside = _child(root, "Body") if root.tag == f"{{{_ENVELOPE}}}Envelope" else None
    result = _child(_child(inside, f"{verb}Response"), f"{verb}Result")
    return _Answer(body, result, _child(inside, "Fault"))


def _child(parent: etree._Element | None, name: str) -> etree._Element | None:
    """The one child of that local name, whatever its namespace; None where not just one is."""
    found = [] if parent is None else [each for each in parent if _local(each) == name]
    return found[0] if len(found) == 1 else None


def _text(parent: etree._Element | None, name: str) -> str:
    child = _child(parent, name)
    return "" if child is None else (child.text or "").strip()


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
