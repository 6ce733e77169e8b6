"""The one screen that tells what came of a simulated payment."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli import shapes
from cli.simulation.outcome import Outcome, Shown
from cli.simulation.post import Answer
from domain import ids
from domain.ids import Kind


@dataclass(frozen=True, slots=True)
class Sent:
    """What a pretend gateway did: how many events it had, how often it posted, and the answers."""

    events: int
    posted: int
    taken: int
    refused: int


@dataclass(frozen=True, slots=True)
class Story:
    """One simulated payment from the first post to the books.

    `settled_seconds` is None where nothing was to be settled. `answers` are those to our own posts,
    `sent` is what a gateway of the sandbox has posted; None where there was none.
    """

    title: str
    invoice: str
    paying: str
    answers: Sequence[Answer]
    before: Shown
    after: Outcome
    settled_seconds: float | None
    sent: Sent | None = None


def as_json(story: Story) -> None:
    """Prints the story for programs."""
    payment = story.after.payment
    shapes.as_json(
        {
            "invoice": story.invoice,
            "amount": story.paying,
            "deliveries": [
                {
                    "event": answer.event.id,
                    "type": answer.event.kind,
                    "status": answer.status,
                    "taken": answer.is_taken,
                    "milliseconds": _milliseconds(answer.seconds),
                }
                for answer in story.answers
            ],
            "sent": story.sent and asdict(story.sent),
            "events": [asdict(event) for event in story.after.events],
            "payment": payment
            and {
                "id": str(ids.public(Kind.PAYMENT, payment.id)),
                "gatewayReference": payment.gateway_reference,
                "state": payment.state.upper(),
                "amount": shapes.amount(payment.currency, payment.amount_minor),
            },
            "postings": [
                {
                    "kind": posting.kind,
                    "source": posting.source,
                    "destination": posting.destination,
                    "amount": shapes.amount(posting.currency, posting.amount_minor),
                }
                for posting in story.after.postings
            ],
            "attention": story.after.attention,
            "before": asdict(story.before),
            "after": asdict(story.after.invoice),
            "remindersCancelled": _cancelled(story),
            "settledMilliseconds": story.settled_seconds and _milliseconds(story.settled_seconds),
        }
    )


def show(story: Story) -> None:
    """Draws the story for people."""
    title = f"{story.title} reports {story.paying} for {story.invoice}"
    told = _came_in(story, story.sent) if story.sent else _deliveries(story)
    parts = Group(told, "", _payment(story), "", _invoice(story), "", _end(story))
    Console().print(Panel(parts, title=title, expand=False, padding=(1, 2)))


def _deliveries(story: Story) -> Table:
    table = _table("Delivered", "times", "answers", "slowest")
    for kind in dict.fromkeys(answer.event.kind for answer in story.answers):
        answers = [answer for answer in story.answers if answer.event.kind == kind]
        statuses = Counter(_said(answer) for answer in answers)
        slowest = max(answer.seconds for answer in answers)
        table.add_row(
            kind,
            str(len(answers)),
            Text(
                ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())),
                "green" if all(answer.is_taken for answer in answers) else "red",
            ),
            f"{_milliseconds(slowest)} ms",
        )
    return table


def _said(answer: Answer) -> str:
    """The status; some gateways hear in the body alone that they were refused."""
    is_hidden = answer.status == 200 and not answer.is_taken
    return f"{answer.status} refused" if is_hidden else str(answer.status)


def _came_in(story: Story, sent: Sent) -> Group:
    posted = _table("Posted", "events", "times", "taken", "refused")
    figures = (str(sent.events), str(sent.posted), str(sent.taken))
    posted.add_row(
        f"by {story.title}", *figures, Text(str(sent.refused), "red" if sent.refused else "")
    )
    kept = _table("Kept", "as", "became")
    for event in story.after.events:
        kept.add_row(event.kind, event.source, event.state)
    return Group(posted, "", kept)


def _payment(story: Story) -> Table | str:
    payment = story.after.payment
    if payment is None:
        return "Payment     none, nothing is booked"
    table = _table("Payment", payment.gateway_reference or "", "", payment.state.upper())
    for posting in story.after.postings:
        table.add_row(
            posting.kind,
            f"{posting.source} → {posting.destination}",
            shapes.amount(posting.currency, posting.amount_minor),
        )
    for kind in story.after.attention:
        table.add_row(Text("attention", "yellow"), kind)
    return table


def _invoice(story: Story) -> Table:
    before, after = story.before, story.after.invoice
    table = _table("Invoice", "before", "after")
    table.add_row("status", before.status, Text(after.status, "bold"))
    table.add_row("paid", before.paid, after.paid)
    table.add_row("balance", before.balance, after.balance)
    table.add_row("reminders", _days(before.planned), _days(after.planned))
    return table


def _end(story: Story) -> Text:
    return Text("\n".join(_sentences(story)))


def _sentences(story: Story) -> Iterator[str]:
    cancelled = _cancelled(story)
    if cancelled:
        yield f"{len(cancelled)} reminders cancelled: {_days(cancelled)}"
    if story.settled_seconds is None:
        yield "Refused at the door: nothing was kept, nothing changed."
    else:
        yield f"{_milliseconds(story.settled_seconds)} ms from the first post to settled"


def _cancelled(story: Story) -> list[int]:
    return [days for days in story.before.planned if days not in story.after.invoice.planned]


def _days(steps: Sequence[int]) -> str:
    return ", ".join(f"+{days} d" for days in steps) or "none"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _table(*names: str) -> Table:
    return Table(*names, box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold cyan")
