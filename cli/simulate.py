"""`incasso simulate`: reports a pretend payment to the real endpoint and tells what came of it."""

import secrets
import string
from collections.abc import Sequence
from time import monotonic
from typing import Annotated

import typer

from cli import opening, shapes
from cli.simulation import outcome, post, screen, sisters
from cli.simulation.post import Answer
from cli.simulation.screen import Story
from cli.simulation.sisters import Event, Paid
from domain import money
from domain.errors import Refused
from domain.invoices import Standing
from domain.money import Money
from runtime import clock
from runtime.settings import settings

app = typer.Typer(no_args_is_help=True, help="Report a pretend payment, as a gateway would.")

_LETTERS = string.ascii_letters + string.digits


@app.callback()
def _gateways() -> None:
    """Report a pretend payment, as a gateway would."""


@app.command("stripe")
def stripe(
    invoice: Annotated[str, typer.Option(help="Its number, like INV-0003, or its id.")],
    amount: Annotated[
        str | None, typer.Option(help="Like 12.50, in the invoice's currency; all that is open.")
    ] = None,
    duplicate: Annotated[
        int, typer.Option(min=1, max=500, help="Post each event so often, all at once.")
    ] = 1,
    out_of_order: Annotated[bool, typer.Option(help="Shuffle what is posted.")] = False,
    bad_signature: Annotated[bool, typer.Option(help="Sign with a wrong secret.")] = False,
    as_json: shapes.AsJson = False,
) -> None:
    """Post the three events of one Stripe payment, signed, and show what comes of it."""
    secret = _secret()
    store = opening.store()
    today = clock.now().astimezone(settings().zone).date()
    with store.snapshot() as books:
        standing = outcome.find(books, invoice)
        before = outcome.shown(books, standing, today)
    paying = _amount(standing, amount)
    at_second = int(clock.now().timestamp())
    name = standing.number or invoice
    told = sisters.of(Paid(name, paying.currency, paying.minor, at_second), _fresh)
    posted = _copies(told.events, duplicate, out_of_order)

    started = monotonic()
    carry = post.deliver_at_once if duplicate > 1 else post.deliver
    address = f"{settings().base_url.rstrip('/')}/webhooks/stripe"
    answers = carry(posted, f"{secret}-wrong" if bad_signature else secret, address, at_second)
    kept = sorted({answer.event.id for answer in answers if answer.status == 200})
    settled_seconds = outcome.settled_after(store, kept, started) if kept else None
    ids = [event.id for event in told.events]
    with store.snapshot() as books:
        after = outcome.read(books, standing.id, told.payment_intent, ids, today)

    story = Story(name, str(paying), answers, before, after, settled_seconds)
    (screen.as_json if as_json else screen.show)(story)
    if not _is_as_hoped(story, is_forged=bad_signature):
        raise typer.Exit(1)


def _secret() -> str:
    if settings().stripe_is_live:
        raise Refused("live_mode", "this installation books live money: nothing is pretended here")
    secret = next(iter(settings().stripe_secrets), None)
    if secret is None:
        raise Refused(
            "no_webhook_secret",
            "STRIPE_WEBHOOK_SECRETS is not set: `make run` makes one up, or set your own",
        )
    return secret


def _amount(invoice: Standing, text: str | None) -> Money:
    if text is not None:
        asked = money.parse(text, invoice.currency)
        if asked.minor == 0:
            raise Refused("malformed_amount", "a payment is more than nothing")
        return asked
    if not invoice.is_open:
        raise Refused(
            "nothing_open",
            f"nothing is open on invoice {invoice.number}: say with --amount what to pay all the"
            " same",
        )
    return Money(invoice.currency, invoice.open_minor)


def _copies(events: Sequence[Event], times: int, out_of_order: bool) -> list[Event]:
    copies = [event for event in events for _ in range(times)]
    if out_of_order:
        secrets.SystemRandom().shuffle(copies)
    return copies


def _is_as_hoped(story: Story, *, is_forged: bool) -> bool:
    """Whether every genuine delivery was taken, or every forged one left no trace."""
    if is_forged:
        untouched = story.after.invoice == story.before and not story.after.events
        return untouched and all(_is_refusal(answer) for answer in story.answers)
    return all(answer.status == 200 for answer in story.answers)


def _is_refusal(answer: Answer) -> bool:
    return 400 <= answer.status < 500


def _fresh() -> str:
    """A random name as Stripe gives: the one source of chance in what is told."""
    return "".join(secrets.choice(_LETTERS) for _ in range(24))
