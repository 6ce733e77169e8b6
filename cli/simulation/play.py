"""Plays one pretend payment through the real endpoint, from the wish to the story of it."""

import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic

from cli import naming
from cli.simulation import outcome, post, sisters
from cli.simulation.screen import Story
from cli.simulation.sisters import Event, Paid
from domain import money
from domain.errors import Refused
from domain.invoices import Standing
from domain.money import Money
from gateways import stripe
from ledger.books import payments, trail
from ledger.store import Store

_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Wish:
    """What to play. `invoice` is a number or id; `amount` None means all that is open."""

    invoice: str
    amount: str | None = None
    copies: int = 1
    is_shuffled: bool = False
    is_forged: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """Where to play: the books, the address of the endpoint and its secret, the present moment."""

    store: Store
    address: str
    secret: str
    now: datetime
    today: date


def fresh() -> str:
    """A random name as Stripe gives: the one source of chance in what is told."""
    return "".join(secrets.choice(_LETTERS) for _ in range(24))


def play(stage: Stage, wish: Wish, fresh: Callable[[], str] = fresh) -> Story:
    """Posts the three events of a payment, waits until they are settled, and reads the books."""
    with stage.store.snapshot() as books:
        invoice = naming.invoice_to_pay(books, wish.invoice)
        before = outcome.shown(books, invoice, stage.today)
    paying = amount(invoice, wish.amount)
    name = invoice.number or wish.invoice
    at_second = int(stage.now.timestamp())
    told = sisters.of(Paid(name, paying.currency, paying.minor, at_second), fresh)

    carry = post.deliver_at_once if wish.copies > 1 else post.deliver
    secret = f"{stage.secret}-forged" if wish.is_forged else stage.secret
    started = monotonic()
    answers = carry(_copies(told.events, wish), secret, stage.address, at_second)
    kept = sorted({answer.event.id for answer in answers if answer.status == 200})
    settled_seconds = outcome.settled_after(stage.store, kept, started) if kept else None

    ids = [event.id for event in told.events]
    with stage.store.snapshot() as books:
        payment = payments.find_by_reference(books, stripe.NAME, told.payment_intent)
        events = trail.events(books, stripe.NAME, ids)
        after = outcome.read(books, invoice.id, payment, events, stage.today)
    return Story("Stripe", name, str(paying), answers, before, after, settled_seconds)


def is_as_hoped(story: Story, wish: Wish) -> bool:
    """Whether every genuine delivery was taken, or every forged one left no trace."""
    if wish.is_forged:
        is_untouched = story.after.invoice == story.before and not story.after.events
        return is_untouched and all(400 <= answer.status < 500 for answer in story.answers)
    return all(answer.status == 200 for answer in story.answers)


def amount(invoice: Standing, text: str | None) -> Money:
    """What is to be paid: so much, or all that is open; Refused when that is nothing."""
    if text is not None:
        asked = money.parse(text, invoice.currency)
        if asked.minor == 0:
            raise Refused("malformed_amount", "a payment is more than nothing")
        return asked
    if not invoice.is_open:
        raise Refused(
            "nothing_open",
            f"nothing is open on invoice {invoice.number or '(a draft)'}: say with --amount what"
            " to pay all the same",
        )
    return Money(invoice.currency, invoice.open_minor)


def _copies(events: Sequence[Event], wish: Wish) -> list[Event]:
    copies = [event for event in events for _ in range(wish.copies)]
    if wish.is_shuffled:
        secrets.SystemRandom().shuffle(copies)
    return copies
