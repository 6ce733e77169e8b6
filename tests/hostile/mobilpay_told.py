"""MobilPay's notices of one scene: an attempt at its invoice, and what is told about it."""

import base64
from collections.abc import Callable
from urllib.parse import urlencode

from domain.money import Money
from runtime import clock
from tests import mobilpay_seal as seal
from tests.hostile import wire
from tests.hostile.house import Scene
from tests.mobilpay_seal import Seal

PATH = "/webhooks/mobilpay"
FORM = "application/x-www-form-urlencoded"
HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'
THANKS = HEAD + b"<crc>%b</crc>\n" % seal.CRC.encode()
RESEND = HEAD + b'<crc error_type="1" error_code="1">refused</crc>\n'
FINAL = HEAD + b'<crc error_type="2" error_code="2">refused</crc>\n'

MONEY = Money("RON", 242_00)  # what the invoice of a scene is over

Notice = Callable[[Scene], bytes]


def order_id(scene: Scene) -> str:
    return scene.attempt("mobilpay", f"{seal.SIGNATURE}/test")


def address(scene: Scene) -> str:
    """Where MobilPay tells us about the scene's order."""
    return f"{PATH}/{seal.secret(order_id(scene), MONEY)}"


def notice(scene: Scene, **changes: str) -> bytes:
    """A notice about the scene's order: of the whole amount, and of a purchase of its own."""
    told = {
        "order_id": order_id(scene),
        "amount": "242.00",
        "asked": "242.00",
        "processed": "242.00",
        "purchase": f"P{scene.tag}",
        "told_at": clock.now().strftime("%Y%m%d%H0000"),
    }
    return seal.a_notice(**{**told, **changes})


def telling(**changes: str) -> Notice:
    return lambda scene: notice(scene, **changes)


def replaced(old: str, new: str) -> Notice:
    """The scene's notice with other words in it; with words that are there."""

    def make(scene: Scene) -> bytes:
        told = notice(scene).decode()
        assert old in told
        return told.replace(old, new).encode()

    return make


def sent(xml: bytes, path: str, how: Seal | None = None, **fields: str | None) -> bytes:
    """A request as MobilPay sends it; a field of None is left out."""
    form = {**(how or Seal()).fields(xml), **fields}
    body = urlencode({name: text for name, text in form.items() if text is not None})
    return wire.post(body.encode(), path=path, content_type=FORM)


def flipped(xml: bytes, path: str, old: bytes, new: bytes) -> bytes:
    """RC4 in transit, with bits turned over so that other words come out; nobody opened it."""
    form = Seal(cipher="rc4").fields(xml)
    closed = bytearray(base64.b64decode(form["data"]))
    assert len(old) == len(new)
    for start in _places(xml, old):
        for offset, (was, becomes) in enumerate(zip(old, new, strict=True)):
            closed[start + offset] ^= was ^ becomes
    body = urlencode({**form, "data": base64.b64encode(closed).decode()})
    return wire.post(body.encode(), path=path, content_type=FORM)


def _places(text: bytes, part: bytes) -> list[int]:
    found = [at for at in range(len(text)) if text.startswith(part, at)]
    assert found
    return found
