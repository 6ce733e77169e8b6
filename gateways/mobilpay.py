"""MobilPay's dialect, XML protocol v1: sealed notices that prove nobody, at an address that does.

Whoever has the public half of our key can seal a notice. So the address that MobilPay tells us at
carries a secret over the attempt, its amount and its currency. Where the bare address is open, a
notice is taken only when an attempt of ours is just what it says.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from domain.errors import Refused, Untrusted
from domain.facts import Reading
from gateways import (
    mobilpay_form,
    mobilpay_notice,
    mobilpay_order,
    mobilpay_replies,
    mobilpay_reports,
    mobilpay_seal,
    mobilpay_secret,
    mobilpay_soap,
)
from gateways.capabilities import Capabilities, Disputes, Door, Verb
from gateways.mobilpay_notice import Notice
from gateways.mobilpay_order import Page
from gateways.mobilpay_reports import NAME
from gateways.mobilpay_seal import AES, RC4, Sealed
from gateways.mobilpay_soap import MobilPaySoap
from gateways.port import (
    Claim,
    Delivery,
    Envelope,
    Form,
    Malformed,
    Occurrence,
    Order,
    Outcome,
    Repayment,
    Reply,
    Session,
    Taken,
    Unreadable,
)

_SHORTEST_SECRET = 32
# How far a notice at the bare address may be off our clock: resends take days, and no zone is told.
_OLDEST, _NEWEST = timedelta(days=4), timedelta(days=1)

_PANEL = "in NETOPIA's panel, admin.netopia-payments.com, under Orders, the order, Refund"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a point of sale agreed on; `confirm_url` is our own address before its secret.

    `has_rc4`: the account speaks the old cipher, so it is believed, and what we seal is in it.
    `has_bare_address`: the address without a secret is believed.
    """

    signature: str
    confirm_url: str
    has_rc4: bool = False
    has_bare_address: bool = False


class MobilPay:
    """One point of sale; `page` of None: it takes notices and no customers.

    `soap` is the way to give money back; None where there is no user to ask as.
    """

    name = NAME

    def __init__(
        self,
        terms: Terms,
        keys: tuple[RSAPrivateKey, ...],
        secret_key: bytes,
        *,
        is_live: bool,
        page: Page | None = None,
        soap: MobilPaySoap | None = None,
    ) -> None:
        if not terms.signature:
            raise Refused("no_signature", "MOBILPAY_SIGNATURE is not set")
        if not keys:
            raise Refused("no_private_key", "MOBILPAY_PRIVATE_KEY has no key to open notices with")
        if len(secret_key) < _SHORTEST_SECRET:
            raise Refused(
                "no_secret_key",
                f"MobilPay needs SECRET_KEY, at least {_SHORTEST_SECRET} signs that nobody guesses",
            )
        self.account = f"{terms.signature}/{'live' if is_live else 'test'}"
        self.capabilities = Capabilities(
            verbs=frozenset(
                ({Verb.HOSTED_LINK, Verb.FORM} if page else set())
                | ({Verb.REFUND} if soap else set())
            ),
            is_proof=True,
            tells_fees=False,
            tells_refunds=True,
            tells_disputes=Disputes.UNTOLD,
            door=Door(has_secret=True, is_laborious=True, has_own_words=True),
            names_refunds=False,
            panel=_PANEL,
        )
        self._terms = terms
        self._keys = keys
        self._secret_key = secret_key
        self._page = page
        self._soap = soap

    def authenticate(
        self, delivery: Delivery, keys: Mapping[str, bytes], now: datetime
    ) -> Envelope:
        """Proves by its address that a notice is MobilPay's, then opens it.

        The address is looked at before any private key is touched.
        """
        if delivery.secret is not None:
            mobilpay_secret.verify(self._secret_key, delivery.secret)
        elif not self._terms.has_bare_address:
            raise Malformed("the address has no secret")
        notice, xml = self._opened(mobilpay_form.arrived(delivery))
        if not compare_digest(notice.signature.encode(), self._terms.signature.encode()):
            raise Unreadable("the notice is of another point of sale")
        if notice.action not in mobilpay_notice.ACTIONS:
            raise Malformed("the action is none that is known")
        return Envelope(
            account=self.account,
            event_id=_event_id(notice),
            kind=mobilpay_reports.kind(notice),
            binding=None,
            headers_to_keep={},
            kept=mobilpay_form.with_secret(delivery.body, delivery.secret),
            words=xml,
            thanks=mobilpay_replies.thanks(notice.crc),
            claim=None if delivery.secret is not None else _claim(notice, now),
        )

    def read(self, raw: bytes) -> Reading:
        """What a notice tells, opened once more: what is kept is what came.

        Or what came of a refund of ours, which MobilPay answered when it was asked.
        """
        if mobilpay_soap.is_frame(raw):
            return mobilpay_soap.given_back(self.account, raw)
        try:
            kept = mobilpay_form.kept(raw)
            notice, _ = self._opened(kept.sealed)
            claim = None if kept.secret is None else mobilpay_secret.claim(kept.secret)
        except Untrusted as error:
            raise Refused(
                "unreadable",
                f"{error.reason}; are MOBILPAY_PRIVATE_KEY and MOBILPAY_RC4 as they were?",
            ) from None
        return mobilpay_reports.tell(self.account, notice, claim)

    def reply(self, outcome: Outcome) -> Reply:
        """Always 200 and XML: an attribute says that it is to come again (1), or never (2)."""
        return mobilpay_replies.REPLIES[outcome]

    def serves(self, currency: str) -> bool:
        """Lei, once there is a certificate to seal orders with."""
        return self._page is not None and currency == mobilpay_order.CURRENCY

    def hosted_link(self, order: Order) -> Session:
        """Our own page of the order, which leads on to MobilPay's; nobody is called.

        MobilPay closes no order by request or by time: whoever pays late, pays.
        """
        self._order(order)
        return Session(order.order_id, order.form_url, order.expires_at)

    def form(self, order: Order) -> Form:
        """The sealed order that the customer's browser posts to MobilPay's page."""
        page, xml = self._order(order)
        return page.form(order, xml, self._cipher)

    def expire(self, session_id: str) -> None:
        """MobilPay closes no order."""
        _unsupported(f"MobilPay closes no order by request, nor {session_id}")

    def capture(self, order_id: str) -> bytes:
        """MobilPay takes money without being told."""
        _unsupported(f"MobilPay takes money without being told, for {order_id} too")

    def lookup(self, reference: str) -> bytes:
        """The XML protocol has nothing to ask."""
        _unsupported(f"MobilPay cannot be asked: look for {reference} in its panel")

    def refund(self, repayment: Repayment) -> Taken:
        """Gives lei back; the answer tells of it, and a second call gives twice."""
        if self._soap is None:
            _unsupported(
                f"MOBILPAY_API_USER and MOBILPAY_API_PASSWORD are not set: give"
                f" {repayment.order_id or repayment.reference} back {_PANEL}"
            )
        return self._soap.refund(repayment)

    def reported(self, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """The XML protocol has no list."""
        _unsupported(f"MobilPay lists no events, nor those from {since} to {until}")

    def event(self, event_id: str) -> bytes:
        """The XML protocol has no events to fetch."""
        _unsupported(f"MobilPay gives no event again, nor {event_id}")

    def _order(self, order: Order) -> tuple[Page, bytes]:
        if self._page is None:
            _unsupported("MOBILPAY_PUBLIC_CERT is not set, so no order can be sealed for MobilPay")
        secret = mobilpay_secret.secret(self._secret_key, Claim(order.order_id, order.money))
        confirm_url = f"{self._terms.confirm_url}/{secret}"
        signature = self._terms.signature
        return self._page, mobilpay_order.xml(order, signature, confirm_url, self._cipher)

    @property
    def _cipher(self) -> str:
        """What we seal with, and what MobilPay is to."""
        return RC4 if self._terms.has_rc4 else AES

    def _opened(self, sealed: Sealed) -> tuple[Notice, bytes]:
        """The notice and its XML; one refusal for all that may be wrong, so that nobody learns."""
        if sealed.cipher != AES and not (sealed.cipher == RC4 and self._terms.has_rc4):
            raise Untrusted("the cipher is none that is believed")
        for xml in mobilpay_seal.opened(sealed, self._keys):
            try:
                return mobilpay_notice.parse(xml), xml
            except Untrusted:
                continue
        raise Untrusted("no key of ours opens a notice in it")


def _event_id(notice: Notice) -> str:
    """MobilPay has no ids of events; whatever is another event differs in one of these."""
    told = (
        *(notice.purchase, notice.action, notice.code, notice.processed),
        *(notice.told_at, notice.crc),
    )
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _claim(notice: Notice, now: datetime) -> Claim:
    """What a notice at the bare address must have an attempt of ours for."""
    try:
        asked, told_at = mobilpay_reports.asked(notice), mobilpay_reports.told_at(notice)
    except Refused as refusal:
        raise Malformed(refusal.detail) from None
    if not now - _OLDEST <= told_at <= now + _NEWEST:
        raise Malformed("the notice is too old, or not yet")
    return Claim(notice.order_id, asked)


def _unsupported(detail: str) -> NoReturn:
    raise Refused("unsupported", detail)
