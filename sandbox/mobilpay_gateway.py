"""Pretend MobilPay, put together: `MOBILPAY_URL=http://127.0.0.1:P/mobilpay`."""

from functools import partial
from urllib.parse import urlencode

import httpx
from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import mobilpay_notices, mobilpay_pages, mobilpay_seal, mobilpay_soap, panel_mobilpay
from sandbox.delivery import Envelope, Transmission, Verdict
from sandbox.gateway import Gateway, Site
from sandbox.mobilpay_account import MobilpayAccount

_MINUTE, _HOUR = 60, 3600

# When and how often the real one comes again is not known.
_RETRIES = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, *[6 * _HOUR] * 8)
_FORM = "application/x-www-form-urlencoded"


def opened(site: Site) -> Gateway[MobilpayAccount]:
    """A point of sale of its own; what it tells is sealed for the seller."""
    told: set[str] = set()

    def wrap(sent: Transmission) -> Envelope:
        is_again = sent.event_id in told
        told.add(sent.event_id)
        return _sealed(account, sent, is_again=is_again)

    post = site.post("mobilpay", wrap, _RETRIES, judged)
    account = MobilpayAccount(site, post)
    take = mobilpay_pages.taking(account)
    return Gateway(
        name="mobilpay",
        title="MobilPay",
        account=account,
        ledger=account.ledger,
        post=post,
        routes=[*mobilpay_pages.routes(account), *mobilpay_soap.routes(account)],
        articles=partial(panel_mobilpay.articles, account),
        act=partial(panel_mobilpay.act, account),
        roots=[Route("/mobilpay", take, methods=["POST"]), *_files(account)],
    )


def _sealed(account: MobilpayAccount, sent: Transmission, *, is_again: bool) -> Envelope:
    """Sealed anew at each attempt, in the cipher that the order asked for.

    Whether a resend keeps timestamp and crc is not known: it does, but for the knob `fresh_crc`.
    """
    notice = account.notices[sent.event_id]
    asked = account.orders[notice.order_id].asked
    xml = sent.body
    if is_again and account.knobs.happens("fresh_crc"):
        account.knobs.count("fresh_crc")
        xml = mobilpay_notices.xml(asked.xml, notice.again(account.clock(), account.ids.crc()))
    fields = mobilpay_seal.seal(xml, account.pairs.notices, asked.cipher)
    return Envelope({"Content-Type": _FORM}, urlencode(fields).encode())


def judged(answer: httpx.Response) -> Verdict:
    """Taken is a `<crc>` without attributes; anything but `<crc>` is as good as no answer."""
    try:
        root = etree.fromstring(answer.content, etree.XMLParser(resolve_entities=False))
    except (etree.XMLSyntaxError, ValueError):
        return "again"
    if answer.status_code != httpx.codes.OK or root.tag != "crc":
        return "again"
    if not root.attrib:
        return "taken"
    return "never" if root.get("error_type") == "2" else "again"


def _files(account: MobilpayAccount) -> list[Route]:
    """What the real panel has as files: its certificate, and the seller's private key."""

    async def certificate(_: Request) -> Response:
        pem = account.pairs.orders.certificate_pem
        return Response(pem, media_type="application/x-pem-file")

    async def key(_: Request) -> Response:
        return Response(account.pairs.notices.key_pem, media_type="application/x-pem-file")

    return [
        Route("/control/mobilpay/public.cer", certificate, methods=["GET"]),
        Route("/control/mobilpay/private.key", key, methods=["GET"]),
    ]
