"""MobilPay at the door: customers' attempts, and notices about them, each sealed anew."""

from dataclasses import dataclass
from urllib.parse import quote

import httpx

from domain.money import decimal_text
from gateways.mobilpay import MobilPay
from ledger.inbox import waiting
from ledger.links import attempting, granting, showing
from ledger.links.attempting import Attempt, Click
from ledger.links.granting import Target, Terms
from ledger.store import Store
from runtime import clock
from tests import mobilpay_seal as seal
from tests.desk import Desk
from tests.webhooks.knocking import Answer, ask
from webhooks.app import Webhooks
from webhooks.requests import Message
from workers import events

PATH = "/webhooks/mobilpay"
HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'
RESEND = HEAD + b'<crc error_type="1" error_code="1">refused</crc>\n'
FINAL = HEAD + b'<crc error_type="2" error_code="2">refused</crc>\n'
BUSY = HEAD + b'<crc error_type="1" error_code="3">busy</crc>\n'


def thanks(crc: str = seal.CRC) -> bytes:
    return HEAD + f"<crc>{crc}</crc>\n".encode()


@dataclass(frozen=True)
class Shop:
    """One seller who takes money by MobilPay."""

    desk: Desk
    gateway: MobilPay

    @property
    def store(self) -> Store:
        return self.desk.store

    def attempt(self, client_id: int, price: str = "100") -> Attempt:
        """A client's click at the link of a new invoice."""
        invoice = self.desk.invoice(client_id, price)
        click = Click("mobilpay", self.gateway.account, "ro")
        target = Target(client_id, invoice.id)
        with self.store.transaction() as books:
            now = clock.now()
            granted = granting.grant(books, target, Terms(), seal.SECRET_KEY, "test", now)
            shown = showing.find(books, granted.token, now)
            assert shown is not None
            return attempting.begin(books, shown, click, now)

    def settle(self) -> None:
        while events.settle_next(
            self.store, {self.gateway.name: self.gateway}, waiting.claim_fresh
        ):
            pass

    def inbox(self) -> list[tuple[str, str, str | None]]:
        return self.desk.query("SELECT kind, state, reason FROM inbox ORDER BY id")


def notice(attempt: Attempt, **changes: str) -> bytes:
    """A notice about an attempt: of the whole amount, and now."""
    amount = decimal_text(attempt.money)
    told = {
        "order_id": attempt.order_id,
        "currency": attempt.money.currency,
        "amount": amount,
        "asked": amount,
        "processed": amount,
        "purchase": f"9{attempt.id}",
        "told_at": clock.now().strftime("%Y%m%d%H%M%S"),
    }
    return seal.a_notice(**{**told, **changes})


def address(attempt: Attempt) -> str:
    """Where MobilPay tells us about an attempt."""
    return f"{PATH}/{seal.secret(attempt.order_id, attempt.money)}"


def post(door: str, attempt: Attempt, **changes: str) -> None:
    """A notice at the attempt's own address, over a socket and thanked for."""
    headers = {name.decode(): value.decode() for name, value in (seal.TYPE,)}
    body = seal.body(notice(attempt, **changes))
    with httpx.Client(trust_env=False, timeout=20) as client:
        answer = client.post(f"{door}{address(attempt)}", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (200, thanks())


async def knock(door: Webhooks, path: str, body: bytes, method: str = "POST") -> Answer:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": quote(path).encode(),
        "headers": [(b"host", b"pay.example"), seal.TYPE],
        "client": ("203.0.113.7", 40000),
    }
    whole: Message = {"type": "http.request", "body": body, "more_body": False}
    return await ask(door, scope, [whole])


async def tell(door: Webhooks, attempt: Attempt, **changes: str) -> Answer:
    """A notice at the attempt's own address."""
    return await knock(door, address(attempt), seal.body(notice(attempt, **changes)))
