"""Where a capture can be killed: each statement, each commit, the call, and who dies there."""

from typing import Literal, NamedTuple

from tests.stories.gates import Gate
from tests.stories.places import Held, Place

Who = Literal["web", "child", "worker"]


class Seen(NamedTuple):
    """What is there of an order, as others see it: in our books, and at PayPal."""

    approvals: int
    errand: str
    taken: int
    answers: int
    facts: int


class Point(NamedTuple):
    """Where which process dies; `says` begins its statement there, '' where it has none.

    `has_lease`: the errand is left in the hands of the dead.
    """

    name: str
    who: Who
    place: Place
    says: str
    seen: Seen
    has_lease: bool = False


_TOLD = {"source": "webhook", "state": "done"}
_ANSWERED = {"source": "lookup", "state": "done"}
_NEW, _KEPT, _PLANNED = Seen(0, "", 0, 0, 0), Seen(1, "", 0, 0, 0), Seen(1, "waiting", 0, 0, 0)
_LEASED, _TAKEN = Seen(1, "claimed", 0, 0, 0), Seen(1, "claimed", 1, 0, 0)
_DONE = Seen(1, "done", 1, 1, 0)
TOKEN = Held("hold_before", "/oauth2/token")
ARRIVED = Held("hold_before", "{about}/capture")

POINTS = (
    Point("token asked for", "child", TOKEN, "", _LEASED, has_lease=True),
    Point(
        "approval about to be kept",
        "web",
        Gate("insert", "inbox", "before", {"source": "webhook"}),
        "INSERT INTO inbox",
        _NEW,
    ),
    Point(
        "approval at its commit, no answer",
        "web",
        Gate("insert", "inbox", "commit", {"source": "webhook"}),
        "INSERT INTO inbox",
        _NEW,
    ),
    Point(
        "try about to be written",
        "worker",
        Gate("insert", "tries", "before"),
        "INSERT INTO tries",
        _KEPT,
    ),
    Point(
        "attempt about to be pending",
        "worker",
        Gate("update", "attempts", "before", {"state": "pending"}),
        "WITH told AS",
        _KEPT,
    ),
    Point(
        "errand about to be planned",
        "worker",
        Gate("insert", "outbox", "before", {"effect": "capture"}),
        "INSERT INTO outbox",
        _KEPT,
    ),
    Point(
        "approval about to be closed",
        "worker",
        Gate("update", "inbox", "before", _TOLD),
        "UPDATE inbox",
        _KEPT,
    ),
    Point(
        "approval settled, at its commit",
        "child",
        Gate("update", "inbox", "commit", _TOLD),
        "COMMIT",
        _KEPT,
    ),
    Point(
        "lease about to be written",
        "worker",
        Gate("update", "outbox", "before", {"state": "claimed"}),
        "UPDATE outbox SET state = 'claimed'",
        _PLANNED,
    ),
    Point(
        "lease at its commit",
        "worker",
        Gate("update", "outbox", "commit", {"state": "claimed"}),
        "COMMIT",
        _PLANNED,
        has_lease=True,
    ),
    Point(
        "call arrived, nothing taken",
        "worker",
        ARRIVED,
        "",
        _LEASED,
        has_lease=True,
    ),
    Point(
        "money taken, not answered",
        "child",
        Held("hold_after", "{about}/capture"),
        "",
        _TAKEN,
        has_lease=True,
    ),
    Point(
        "errand about to be closed",
        "worker",
        Gate("update", "outbox", "before", {"state": "done"}),
        "UPDATE outbox SET state",
        _TAKEN,
        has_lease=True,
    ),
    Point(
        "answer about to be kept",
        "worker",
        Gate("insert", "inbox", "before", {"source": "lookup"}),
        "INSERT INTO inbox",
        _TAKEN,
        has_lease=True,
    ),
    Point(
        "answer at its commit",
        "child",
        Gate("insert", "inbox", "commit", {"source": "lookup"}),
        "COMMIT",
        _TAKEN,
    ),
    Point(
        "fact about to be written",
        "worker",
        Gate("insert", "facts", "before"),
        "INSERT INTO facts",
        _DONE,
    ),
    Point(
        "posting about to be written",
        "child",
        Gate("insert", "postings", "before"),
        "",
        _DONE,
    ),
    Point(
        "answer about to be closed",
        "worker",
        Gate("update", "inbox", "before", _ANSWERED),
        "UPDATE inbox",
        _DONE,
    ),
    Point(
        "money booked, at its commit",
        "worker",
        Gate("update", "inbox", "commit", _ANSWERED),
        "COMMIT",
        _DONE,
    ),
)
