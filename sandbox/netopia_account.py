"""The pretend point of sale at NETOPIA: its payments, what it tells of them, its ledger."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import IntEnum
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from sandbox.delivery import Post
from sandbox.gateway import Site
from sandbox.ledger import Ledger
from sandbox.netopia_errors import NetopiaError, unknown
from sandbox.payload import Payload, printed

_ROMANIA = ZoneInfo("Europe/Bucharest")

# What 68.70 euro were seen to come back as: 361.78 lei.
RATE = Decimal("5.2661")


class Status(IntEnum):
    """`payment.status`, as far as it happens here."""

    NEW = 1
    PAID = 3
    CONFIRMED = 5
    PENDING = 6
    CREDIT = 8
    CHARGEBACK = 9
    CHARGEBACK_ACCEPTED = 10
    ERROR = 11
    DECLINED = 12
    FRAUD_REVIEW = 13
    SECURE_ASKED = 15
    REPRESENTMENT = 16
    REVERSED = 17
    EXPIRED = 23


OPEN = (Status.NEW, Status.ERROR, Status.DECLINED)
WAITING = (Status.PENDING, Status.FRAUD_REVIEW, Status.SECURE_ASKED)

_WORDS: dict[Status, tuple[str, str]] = {
    Status.PAID: ("00", "Approved"),
    Status.CONFIRMED: ("00", "Approved"),
    Status.CREDIT: ("00", "Credit"),
    Status.ERROR: ("19", "Bank connection error"),
    Status.DECLINED: ("20", "Insufficient funds"),
    Status.SECURE_ASKED: ("100", "3-D Secure authentication needed"),
}


@dataclass(slots=True)
class Payment:
    """One payment, with one name whatever happens to it; amounts are in whole units.

    `amount` and `currency` are those of the start, and refunds are told in these; notices tell the
    amount times `rate` in `told_currency`.
    """

    ntp_id: str
    page: str  # what its page is called by
    order: Payload
    config: Payload
    amount: Decimal
    currency: str
    told_currency: str
    rate: Decimal
    created: datetime
    moved_at: datetime
    status: Status = Status.NEW
    refunded: tuple[Decimal, ...] = ()
    is_charged_back: bool = False

    @property
    def order_id(self) -> str:
        """The seller's own name of it."""
        return str(self.order["orderID"])

    @property
    def given_back(self) -> Decimal:
        """How much refunds took, in the currency of the start."""
        return sum(self.refunded, Decimal(0))

    def told(self, amount: Decimal) -> Decimal:
        """An amount of the start's as notices and the ledger have it."""
        return (amount * self.rate).quantize(Decimal("0.01"), ROUND_HALF_UP)


class NetopiaAccount:
    """All of it in memory; every change happens on one event loop, between two awaits."""

    def __init__(self, site: Site, post: Post, key: RSAPrivateKey) -> None:
        self.site = site
        self.options = site.options
        self.clock = site.clock
        self.ids = site.ids
        self.own_url = site.own_url
        self.knobs = post.knobs
        self.post = post
        self.key = key
        self.ledger = Ledger()
        self.payments: dict[str, Payment] = {}
        self._told = 0

    def check_key(self, authorization: str) -> None:
        """NetopiaError 401 unless it is the API key, with no word before it."""
        if authorization != self.options.netopia_api_key:
            raise NetopiaError(401, "401", "Unauthorized")

    def payment(self, ntp_id: str, order_id: str = "") -> Payment:
        """By NETOPIA's name, or by the seller's where that is not told; NetopiaError if unknown."""
        by_order = {each.order_id: each for each in self.payments.values()}
        found = self.payments.get(ntp_id) if ntp_id else by_order.get(order_id)
        if found is None or order_id not in ("", found.order_id):
            raise unknown()
        return found

    def on_page(self, page: str) -> Payment:
        """The payment that is made on a page; NetopiaError when there is none."""
        for each in self.payments.values():
            if each.page == page:
                return each
        raise unknown()

    def move(self, payment: Payment, status: Status) -> None:
        """It stands otherwise from now on, and the seller is told."""
        payment.status = status
        payment.moved_at = self.clock()
        self.tell(payment)

    def tell(self, payment: Payment) -> None:
        """A notice of how it stands, to the address that the payment was started with."""
        self._told += 1
        order: Payload = {"orderID": payment.order_id, "data": {}}
        body = printed({"order": order, "payment": shown(payment)})
        self.post.send(f"ipn-{self._told}", body, payment.config.get("notifyUrl") or None)

    def expire_due(self) -> None:
        """Payments that nobody made in time are expired, whoever looks next."""
        oldest = self.clock() - timedelta(seconds=self.options.netopia_page_seconds)
        for each in self.payments.values():
            if each.status in OPEN and each.created <= oldest:
                self.move(each, Status.EXPIRED)


def shown(payment: Payment) -> Payload:
    """A payment as every notice and answer tells it: the amount is the first one for ever."""
    code, message = _WORDS.get(payment.status, ("", payment.status.name.capitalize()))
    return {
        "method": "card",
        "ntpID": payment.ntp_id,
        "status": int(payment.status),
        "amount": float(payment.told(payment.amount)),
        "currency": payment.told_currency,
        "code": code,
        "message": message,
        "operationDate": payment.moved_at.astimezone(_ROMANIA).isoformat(timespec="seconds"),
        "token": "",
        "binding": {"token": "", "expireMonth": 12, "expireYear": 2030},
        "instrument": {
            "panMasked": "9****5098",
            "panCategory": "",
            "issuer": "Netopia GB",
            "country": 642,
        },
        "data": {"AuthCode": "24od", "BIN": "990000", "RRN": "hYnY8zpdcNo-"},
    }
