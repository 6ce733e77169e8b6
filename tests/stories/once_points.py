"""Where a refund can be killed at a gateway that knows no call again: from its lease to its end.

There the call goes out once. Whoever dies between the lease and the commit of the answer leaves a
refund of which nobody knows whether it was made; it is not asked for again.
"""

from tests.stories.gates import Gate
from tests.stories.places import Held, Place
from tests.stories.refund_points import (
    DONE,
    ERRAND,
    GONE,
    LEASED,
    NOTHING,
    PLANNED,
    Point,
    Seen,
    Who,
    settling,
    unanswered,
)

_ONCE = {"netopia": "/operation/credit", "mobilpay": ":credit>"}
_NOTICE = {"source": "webhook"}
_SENT = GONE._replace(state="sent", errand="done", told=True)
UNKNOWN = Seen("unknown", "unknown", 0, told=False, facts=0)
_PERHAPS = UNKNOWN._replace(gone=1)


def arrived(gateway: str) -> Held:
    """The gateway has the call and has done nothing."""
    return Held("hold_before", _ONCE[gateway])


def _sending(gateway: str) -> tuple[Point, ...]:
    """What is done by the errand, and what is left for whoever takes it up once more."""
    call = unanswered(_ONCE[gateway])
    places: tuple[tuple[str, Who, Place, str, Seen, Seen], ...] = (
        (
            "lease about to be written",
            "network",
            Gate("update", "outbox", "before", ERRAND | {"state": "claimed"}),
            "UPDATE outbox SET state = 'claimed'",
            PLANNED,
            DONE,
        ),
        (
            "lease at its commit",
            "network",
            Gate("update", "outbox", "commit", ERRAND | {"state": "claimed"}),
            "COMMIT",
            PLANNED,
            UNKNOWN,
        ),
        ("call arrived, nothing done", "network", arrived(gateway), "", LEASED, _PERHAPS),
        ("given back, not answered", "network child", call, "", GONE, _PERHAPS),
        (
            "errand about to be closed",
            "network",
            Gate("update", "outbox", "before", ERRAND | {"state": "done"}),
            "UPDATE outbox SET state",
            GONE,
            _PERHAPS,
        ),
        (
            "refund about to be sent",
            "network",
            Gate("update", "refunds", "before", {"state": "sent"}),
            "UPDATE refunds SET state",
            GONE,
            _PERHAPS,
        ),
        (
            "answer about to be kept",
            "network",
            Gate("insert", "inbox", "before", {"source": "lookup"}),
            "INSERT INTO inbox",
            GONE,
            _PERHAPS,
        ),
        (
            "taken up, at its commit",
            "network",
            Gate("update", "refunds", "commit", {"state": "sent"}),
            "COMMIT",
            GONE,
            DONE,
        ),
    )
    return tuple(
        Point(name, gateway, who, place, says, seen, has_lease=ends != DONE, ends=ends)
        for name, who, place, says, seen, ends in places
    )


def _told(gateway: str) -> tuple[Point, ...]:
    """The gateway's own notice comes before its answer: it is ours, and changes nothing."""
    call, is_sealed = unanswered(_ONCE[gateway]), gateway == "mobilpay"
    places: tuple[tuple[str, Who, Gate, str, Seen], ...] = (
        (
            "notice about to be kept",
            "web",
            Gate("insert", "inbox", "before", _NOTICE),
            "INSERT INTO inbox",
            GONE,
        ),
        (
            "notice at its commit, no answer",
            "web",
            Gate("insert", "inbox", "commit", _NOTICE),
            "",
            GONE,
        ),
        (
            "notice about to be closed",
            "money",
            Gate("update", "inbox", "before", _NOTICE),
            "UPDATE inbox",
            GONE._replace(told=True),
        ),
    )
    return tuple(
        Point(name, gateway, who, place, says, seen, meanwhile=call, is_sealed=is_sealed)
        for name, who, place, says, seen in places
    )


ONCE = (
    Point(
        "asked, at its commit, no answer",
        "netopia",
        "web",
        Gate("insert", "refunds", "commit"),
        "COMMIT",
        NOTHING,
    ),
    *_sending("netopia"),
    *settling("netopia", {"source": "lookup"}, _SENT, None),
    *_told("netopia"),
    Point(
        "session asked for",
        "mobilpay",
        "network",
        Held("hold_before", ":logIn>"),
        "",
        LEASED,
        has_lease=True,
        ends=UNKNOWN,
    ),
    *_sending("mobilpay"),
    *_told("mobilpay"),
)
