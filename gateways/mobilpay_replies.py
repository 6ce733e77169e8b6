"""What MobilPay hears: always 200 and XML; only an attribute makes it come again, or give up."""

from xml.sax.saxutils import escape

from gateways.port import Outcome, Reply

_TYPE = b"application/xml"
_XML = '<?xml version="1.0" encoding="utf-8"?>\n'
_RESEND, _FINAL = 1, 2


def thanks(crc: str) -> Reply:
    """What makes MobilPay stop: its own word back, and no attribute."""
    return Reply(200, f"{_XML}<crc>{escape(crc)}</crc>\n".encode(), _TYPE)


def _complaint(kind: int, code: int, text: str) -> Reply:
    told = f'<crc error_type="{kind}" error_code="{code}">{escape(text)}</crc>\n'
    return Reply(200, f"{_XML}{told}".encode(), _TYPE)


_TAKEN = thanks("ok")

REPLIES = {
    Outcome.KEPT: _TAKEN,
    Outcome.DUPLICATE: _TAKEN,
    # The same event in other words: what hangs on them is in its id, so it is the same event.
    Outcome.DIFFERS: _TAKEN,
    # Perhaps a key or setting of ours is wrong: MobilPay comes again, and nothing is lost by it.
    Outcome.UNTRUSTED: _complaint(_RESEND, 1, "refused"),
    Outcome.MALFORMED: _complaint(_FINAL, 2, "refused"),
    Outcome.BUSY: _complaint(_RESEND, 3, "busy"),
}
