"""Where a refund can be killed: each statement, each commit, the calls, and who dies there."""

from typing import Literal, NamedTuple

from tests.stories.gates import Gate
from tests.stories.places import Held, Locked, Place

Who = Literal["web", "network", "network child", "money", "money child", "beat"]


class Seen(NamedTuple):
    """What is there of a refund, as others see it: in our books, and at the gateway.

    `state` is the refund's and `errand` that of its errand, '' where there is none; `gone` is how
    often the gateway gave it back, `told` whether a word of it is kept, `facts` how many are.
    """

    state: str
    errand: str
    gone: int
    told: bool
    facts: int


class Point(NamedTuple):
    """Where which process dies; `says` begins its statement there, '' where it has none.

    `meanwhile` is a call that the gateway does not answer until the killing is over, and what the
    gateway itself tells of it arrives; without one, that is lost. `has_lease`: an errand is left in
    the hands of the dead. `ends` is what there is of it in the end. `is_sealed`: the row there does
    not show what it is about.
    """

    name: str
    gateway: str
    who: Who
    place: Place
    says: str
    seen: Seen
    has_lease: bool = False
    meanwhile: Held | None = None
    ends: Seen = Seen("done", "done", 1, told=True, facts=1)
    is_sealed: bool = False


NOTHING = Seen("", "", 0, told=False, facts=0)
PLANNED = Seen("open", "waiting", 0, told=False, facts=0)
LEASED = Seen("open", "claimed", 0, told=False, facts=0)
GONE = Seen("open", "claimed", 1, told=False, facts=0)
_SENT = Seen("sent", "done", 1, told=False, facts=0)
_ANSWERED = Seen("sent", "done", 1, told=True, facts=0)
_TOLD = Seen("open", "claimed", 1, told=True, facts=0)
DONE = Seen("done", "done", 1, told=True, facts=1)

ERRAND, _LOOKUP = {"effect": "refund"}, {"effect": "lookup"}
_WEBHOOK, _ANSWER = {"source": "webhook"}, {"source": "lookup"}
# What the call of each gateway is known by.
_CALL = {"stripe": "requested_by_customer", "paypal": "{about}/refund"}
ASKS_TOKEN = Held("hold_before", "/oauth2/token")


def arrived(gateway: str) -> Held:
    """The gateway has the call and has done nothing."""
    return Held("hold_before", _CALL[gateway])


def unanswered(call: str) -> Held:
    """The gateway has done what the call asks for, and has not answered."""
    return Held("hold_after", call)


def _asking() -> tuple[Point, ...]:
    """The act of the API: nothing of it is there until its commit."""
    places: tuple[tuple[str, Place, str], ...] = (
        (
            "key about to be written",
            Gate("insert", "idempotency_keys", "before"),
            "INSERT INTO idempotency_keys",
        ),
        ("payment about to be locked", Locked("payments"), "SELECT FROM payments"),
        ("refund about to be written", Gate("insert", "refunds", "before"), "INSERT INTO refunds"),
        (
            "amount about to be reserved",
            Gate("update", "payments", "before"),
            "UPDATE payments SET reserved_minor",
        ),
        (
            "errand about to be planned",
            Gate("insert", "outbox", "before", ERRAND),
            "INSERT INTO outbox",
        ),
        (
            "word about to be written",
            Gate("insert", "journal", "before", {"act": "refund"}),
            "INSERT INTO journal",
        ),
        ("asked, at its commit, no answer", Gate("insert", "refunds", "commit"), "COMMIT"),
    )
    return tuple(Point(name, "stripe", "web", place, says, NOTHING) for name, place, says in places)


def _sending(gateway: str) -> tuple[Point, ...]:
    """From the lease of the errand to the commit of what the gateway answered."""
    return (
        Point(
            "lease at its commit",
            gateway,
            "network",
            Gate("update", "outbox", "commit", ERRAND | {"state": "claimed"}),
            "COMMIT",
            PLANNED,
            has_lease=True,
        ),
        Point(
            "call arrived, nothing done",
            gateway,
            "network",
            arrived(gateway),
            "",
            LEASED,
            has_lease=True,
        ),
        Point(
            "given back, not answered",
            gateway,
            "network child" if gateway == "stripe" else "network",
            unanswered(_CALL[gateway]),
            "",
            GONE,
            has_lease=True,
        ),
        Point(
            "errand about to be closed",
            gateway,
            "network",
            Gate("update", "outbox", "before", ERRAND | {"state": "done"}),
            "UPDATE outbox SET state",
            GONE,
            has_lease=True,
        ),
        Point(
            "taken up, at its commit",
            gateway,
            "network",
            Gate("update", "refunds", "commit", {"state": "sent"}),
            "COMMIT",
            GONE,
        ),
    )


_WRITING = (
    Point(
        "lease about to be written",
        "stripe",
        "network",
        Gate("update", "outbox", "before", ERRAND | {"state": "claimed"}),
        "UPDATE outbox SET state = 'claimed'",
        PLANNED,
    ),
    Point(
        "refund about to be sent",
        "stripe",
        "network",
        Gate("update", "refunds", "before", {"state": "sent"}),
        "UPDATE refunds SET state",
        GONE,
        has_lease=True,
    ),
    Point(
        "lookup about to be planned",
        "stripe",
        "network",
        Gate("insert", "outbox", "before", _LOOKUP),
        "INSERT INTO outbox AS o",
        GONE,
        has_lease=True,
    ),
)


def _asking_after(gateway: str, call: str) -> tuple[Point, ...]:
    """The lookup, to which the gateway tells how it ended."""
    return (
        Point(
            "lookup arrived",
            gateway,
            "network",
            Held("hold_before", call),
            "",
            _SENT,
            has_lease=True,
        ),
        Point(
            "answer about to be kept",
            gateway,
            "network",
            Gate("insert", "inbox", "before", _ANSWER),
            "INSERT INTO inbox",
            _SENT,
            has_lease=True,
        ),
        Point(
            "answer at its commit",
            gateway,
            "network",
            Gate("insert", "inbox", "commit", _ANSWER),
            "COMMIT",
            _SENT,
        ),
    )


def settling(
    gateway: str, source: dict[str, str], seen: Seen, meanwhile: Held | None
) -> tuple[Point, ...]:
    """The word of it becomes a fact, postings, and the end of the refund."""
    whose = "webhook" if meanwhile else "answer"
    places: tuple[tuple[str, Who, Gate, str], ...] = (
        (f"try of the {whose}", "money", Gate("insert", "tries", "before"), "INSERT INTO tries"),
        (
            "fact about to be written",
            "money",
            Gate("insert", "facts", "before"),
            "INSERT INTO facts",
        ),
        (
            "posting about to be written",
            "money" if meanwhile else "money child",
            Gate("insert", "postings", "before"),
            "",
        ),
        (
            f"{whose} about to be closed",
            "money",
            Gate("update", "inbox", "before", source | {"state": "done"}),
            "UPDATE inbox",
        ),
        (
            f"{whose} settled, at its commit",
            "money",
            Gate("update", "inbox", "commit", source | {"state": "done"}),
            "COMMIT",
        ),
    )
    return tuple(
        Point(name, gateway, who, place, says, seen, meanwhile=meanwhile)
        for name, who, place, says in places
    )


def _webhook(gateway: str) -> tuple[Point, ...]:
    """The gateway's own word of it comes before its answer to the call."""
    call = unanswered(_CALL[gateway])
    return (
        Point(
            "webhook about to be kept",
            gateway,
            "web",
            Gate("insert", "inbox", "before", _WEBHOOK),
            "INSERT INTO inbox",
            GONE,
            meanwhile=call,
        ),
        Point(
            "webhook at its commit, no answer",
            gateway,
            "web",
            Gate("insert", "inbox", "commit", _WEBHOOK),
            "",
            GONE,
            meanwhile=call,
        ),
    )


_ENDING = Point(
    "refund about to be done",
    "stripe",
    "money",
    Gate("update", "refunds", "before", {"state": "done"}),
    "WITH told AS",
    _ANSWERED,
)
_BEATING = (
    Point(
        "asked, at its commit",
        "stripe",
        "beat",
        Gate("insert", "refunds", "commit"),
        "COMMIT",
        NOTHING,
    ),
    Point(
        "lease about to be written",
        "stripe",
        "beat",
        Gate("update", "outbox", "before", ERRAND | {"state": "claimed"}),
        "UPDATE outbox SET state = 'claimed'",
        PLANNED,
    ),
)

POINTS = (
    *_asking(),
    *_WRITING,
    *_sending("stripe"),
    *_asking_after("stripe", "/v1/payment_intents/{about}"),
    *settling("stripe", _ANSWER, _ANSWERED, None),
    _ENDING,
    *_webhook("stripe"),
    *settling("stripe", _WEBHOOK, _TOLD, unanswered(_CALL["stripe"])),
    *_BEATING,
    Point("token asked for", "paypal", "network", ASKS_TOKEN, "", LEASED, has_lease=True),
    *_sending("paypal"),
    *_asking_after("paypal", "/v2/payments/refunds/"),
    *_webhook("paypal"),
)
