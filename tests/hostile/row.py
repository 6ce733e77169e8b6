"""A row of the catalogue: what is sent, what is told, and what may have changed after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.gateways.deliveries import stripe_header
from tests.hostile import wire
from tests.hostile.house import Scene
from tests.hostile.wire import Answer
from tests.webhooks.knocking import now

Play = Callable[[Scene], Sequence[Answer]]
Header = tuple[str, bytes]

REFUSED = b'{"error":"refused"}'
RECEIVED = b'{"received":true}'

# What a delivery may change, by how far it comes. All else must stay as it was, byte for byte.
NOTHING: frozenset[str] = frozenset()
KEPT = frozenset({"inbox"})
SHOWN = KEPT | {"attention"}
NOTED = KEPT | {"facts", "payment_names"}
BOOKED = NOTED | {"payments", "postings", "journal"}
APPLIED = BOOKED | {"intents", "invoices", "reminders"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case of a row of the catalogue, under the row's number.

    `prepare` happens before the first look at the tables, `play` after it. `answers` counts
    statuses, `counts` what the door's counters grow by, `attention` names the kinds opened.
    `events` has the state and reason of each new row of the inbox, `postings` their kinds.
    `is_other` marks what is decided otherwise than the catalogue asks (docs/reliability.md).
    """

    number: int
    name: str
    play: Play
    answers: Mapping[int, int]
    body: bytes | None = None
    door: str = "test"
    prepare: Callable[[Scene], object] = field(default=lambda _: None)
    counts: Mapping[str, int] = field(default_factory=dict)
    events: Sequence[tuple[str, str | None]] = ()
    attention: Sequence[str] = ()
    postings: Sequence[str] = ()
    changes: frozenset[str] = NOTHING
    is_other: bool = False

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


def signature(value: bytes) -> Header:
    return "Stripe-Signature", value


def signed(body: bytes, *headers: Header, keeps: bool = False, **how: str) -> bytes:
    """A request as Stripe sends it, signed now."""
    return wire.post(body, signature(stripe_header(body, at=now())), *headers, keeps=keeps, **how)


def untrusted(number: int, name: str, make: Callable[[Scene], bytes], door: str = "test") -> Row:
    """Nobody vouches for it: refused, counted, and nothing else."""
    return Row(
        number=number,
        name=name,
        door=door,
        play=lambda scene: scene.say(make(scene)),
        answers={400: 1},
        body=REFUSED,
        counts={"refused_signatures": 1},
    )


def unreadable(number: int, name: str, body: bytes) -> Row:
    """Signed with our secret, yet nothing Stripe sends: refused in the same words, and an alarm."""
    return Row(
        number=number,
        name=name,
        play=lambda scene: scene.say(signed(body)),
        answers={400: 1},
        body=REFUSED,
        counts={"unreadable": 1},
    )


def bad_request(number: int, name: str, *pieces: bytes, status: int = 400) -> Row:
    """It never gets as far as a signature."""
    return Row(number=number, name=name, play=lambda scene: scene.say(*pieces), answers={status: 1})


def reported(
    number: int,
    name: str,
    bodies: Callable[[Scene], Sequence[bytes]],
    *,
    events: Sequence[tuple[str, str | None]],
    changes: frozenset[str],
    before: Callable[[Scene], Sequence[bytes]] = lambda _: (),
    attention: Sequence[str] = (),
    postings: Sequence[str] = (),
    door: str = "test",
    is_other: bool = False,
) -> Row:
    """Genuine, hence taken and kept; what matters is what is made of it."""

    def prepare(scene: Scene) -> None:
        assert scene.invoice.is_open
        for body in before(scene):
            (answer,) = scene.say(signed(body))
            assert answer.status == 200
        scene.house.settle()

    return Row(
        number=number,
        name=name,
        door=door,
        prepare=prepare,
        play=lambda scene: [scene.say(signed(body))[0] for body in bodies(scene)],
        answers={200: len(events)},
        body=RECEIVED,
        counts={"accepted": len(events)},
        events=events,
        attention=attention,
        postings=postings,
        changes=changes,
        is_other=is_other,
    )
