"""The seam every gateway fits into: what comes in, what is known of it, what it wants to hear."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from domain.errors import TryLater, Untrusted
from domain.facts import Reading
from domain.money import Money
from gateways.capabilities import Capabilities


class Unreadable(Untrusted):
    """Proven to come from the gateway, yet nothing a gateway sends: perhaps our secret leaked."""


class Malformed(Untrusted):
    """Nothing that could ever be a delivery, whoever sends it: no use in sending it again."""


class NotAsked(TryLater):
    """Busy or away before anything was asked for: whatever it was, it has not happened."""


class NeedsKey(Exception):  # noqa: N818 - an answer of `authenticate`, not a fault
    """Nobody can say yet whether a delivery is genuine: the public key at `address` is missing.

    The address is one that the gateway's own rules allow; whoever catches this fetches it, outside
    of `authenticate`, and asks once more.
    """

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request from outside, byte for byte; header names are in lower case.

    `secret` is what follows the gateway's name in the address; None where nothing does.
    """

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    method: str = "POST"
    secret: str | None = None

    def only(self, name: bytes) -> str:
        """The one value of a header; one that is absent, doubled or no printable ASCII is refused.

        Two values of one header are how a forger makes two readers see two different deliveries.
        """
        values = [value.decode("latin-1") for key, value in self.headers if key == name]
        if len(values) != 1 or not (values[0].isascii() and values[0].isprintable()):
            raise Untrusted(f"{name.decode()} is not there exactly once in printable ASCII")
        return values[0]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a gateway is told, in the form it insists on."""

    status: int
    body: bytes
    content_type: bytes


class Claim(NamedTuple):
    """Which attempt of ours a delivery says it is of, where nothing else speaks for its sender."""

    order_id: str
    money: Money


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who is told what, under which name; all that must be known before a delivery is kept.

    `account` owns the money. `event_id` is the gateway's name for the event. `binding` is what else
    is unique about the delivery where its signature does not bind the body; None where it does.
    `kept` is what is stored where that is more than the body, and `words` what the delivery says
    where it travels under another seal each time; None: both are the body. `thanks` is what the
    gateway hears where the answer repeats some of the delivery; None: what `reply` says. With a
    `claim` it is taken only where an attempt of ours is just that.
    """

    account: str
    event_id: str
    kind: str
    binding: str | None
    headers_to_keep: Mapping[str, str]
    kept: bytes | None = None
    words: bytes | None = None
    thanks: Reply | None = None
    claim: Claim | None = None

    def __post_init__(self) -> None:
        for text in (self.event_id, self.kind, self.binding):
            if text is not None and not is_plain_name(text):
                raise Unreadable("an id is not 1-255 printable ASCII characters")


class Outcome(StrEnum):
    """What became of a delivery."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    DIFFERS = "differs"
    UNTRUSTED = "untrusted"
    MALFORMED = "malformed"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer is about to pay on a gateway's own page; all of it is stored before the call.

    `order_id` is `<number>-<attempt>`, new for every attempt. `references` are the numbers of the
    invoices, in the order in which the money is applied. The same `key` is the same session,
    however often it is asked for. `expires_at` is aware, 30 minutes to 24 hours ahead. `language`
    is `ro` or `en`. `email` is where the gateway sends its receipt; None where we know none.
    `form_url` is the path, below the link's own address, at which we show the order as a form, for
    a gateway that takes no other.
    """

    order_id: str
    references: tuple[str, ...]
    description: str
    money: Money
    language: str
    seller_name: str
    return_url: str
    cancel_url: str
    expires_at: datetime
    key: str
    email: str | None
    form_url: str = ""

    @property
    def reference(self) -> str:
        """What the gateway echoes to us: the one invoice's number, else the order id."""
        return self.references[0] if len(self.references) == 1 else self.order_id


@dataclass(frozen=True, slots=True)
class Session:
    """An order's page at the gateway: its id there, its address, and when it closes (aware)."""

    id: str
    url: str
    expires_at: datetime


class Form(NamedTuple):
    """What a customer's browser posts to a gateway's page: where, and the fields."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Repayment:
    """Money of a payment that is to go back; `reference` is the payment's main name.

    The same `key` is the same refund, for as long as the gateway remembers it. `at` is when it is
    asked for, aware. `order_id` is the one order that the payment was told to be of; None: none, or
    several.
    """

    reference: str
    money: Money
    key: str
    at: datetime
    order_id: str | None = None


class Taken(NamedTuple):
    """A refund that the gateway took up: its name there, and by which name its end is asked for.

    `answer` is what it said, for `read`, where nothing else will ever tell of this refund.
    """

    item: str
    name: str
    answer: bytes | None = None


class Occurrence(NamedTuple):
    """An event as the gateway lists it: its id there, and its kind."""

    event_id: str
    kind: str


class Gateway(Protocol):
    """One foreign dialect. What comes in is read without clock, network or database.

    What goes out is network and takes seconds: never inside a transaction. Of what goes out it has
    the verbs in its `capabilities`; any other raises Refused("unsupported") and calls nobody.
    """

    @property
    def name(self) -> str:
        """The gateway's name in our rows and addresses."""
        ...

    @property
    def account(self) -> str:
        """Who owns the money that this gateway reports to us."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Which of the verbs below it has, and how its money is told; the same for ever."""
        ...

    def authenticate(
        self, delivery: Delivery, keys: Mapping[str, bytes], now: datetime
    ) -> Envelope:
        """Proves where a delivery comes from; Untrusted when it cannot.

        `keys` are the public keys that were fetched so far, by their address; NeedsKey when it
        takes another one. A gateway whose keys are in our settings looks at none.
        """
        ...

    def read(self, raw: bytes) -> Reading:
        """What a kept body tells about money; Refused when it is genuine but makes no sense."""
        ...

    def reply(self, outcome: Outcome) -> Reply:
        """The answer that makes this gateway stop, or come again."""
        ...

    def lookup(self, reference: str) -> bytes:
        """Asks for everything about a payment, by any of its names; `read` takes the answer.

        One that lists nothing is asked about each attempt of ours, as `SESSION/ORDER`.

        The gateway's own words byte for byte, so that the same answer has the same hash. Refused
        when it cannot be asked or does not know; TryLater when it is busy or away.
        """
        ...

    def capture(self, order_id: str) -> bytes:
        """Takes the money of an order that its customer agreed to; `read` takes the answer.

        The same order again takes nothing more while the gateway remembers the request. Refused:
        it takes nothing, `declined` where the customer may choose again, `not_approved` where he
        has not agreed yet; TryLater: perhaps it did. A gateway that takes money without being told
        raises `unsupported`.
        """
        ...

    def refund(self, repayment: Repayment) -> Taken:
        """Gives money of a payment back; the same key within `remembers_refunds` gives it once.

        Refused: nothing goes back, now or later; `key_refused` where a person has to mend our
        settings first. TryLater: busy or away, and perhaps it went; NotAsked: it did not.
        """
        ...

    def reported(self, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """The events that `read` may find money in, of what happened between, newest first.

        Whether they were ever delivered or not, as far back as the gateway remembers: 30 days.
        Pages are asked for as they are needed. Errors as for `lookup`.
        """
        ...

    def event(self, event_id: str) -> bytes:
        """One event in the gateway's own words, which `read` takes; errors as for `lookup`."""
        ...

    def serves(self, currency: str) -> bool:
        """Whether customers can pay here in this currency; False, too, where there is no key."""
        ...

    def hosted_link(self, order: Order) -> Session:
        """Opens the gateway's page for an order; the same order again is the same session.

        Refused when the gateway will not have this order: `order_differs` where it knows another
        one under this key. TryLater when it is busy or away: perhaps the session is open, and the
        same call answers it.
        """
        ...

    def form(self, order: Order) -> Form:
        """The order as a form that the customer's browser posts; nobody is called.

        Refused where the gateway's page has an address that one can simply go to.
        """
        ...

    def expire(self, session_id: str) -> None:
        """Closes a session that is open, so that nobody pays there; one already closed is fine.

        Refused when the gateway cannot do it or knows no such session; TryLater as above.
        """
        ...


def is_plain_name(text: str) -> bool:
    """Whether a foreign id is 1-255 printable ASCII characters, safe in every store and log."""
    return 1 <= len(text) <= 255 and text.isascii() and text.isprintable()
