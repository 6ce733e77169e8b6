"""`incasso simulate`: reports a pretend payment to the real endpoint and tells what came of it."""

from typing import Annotated

import typer

from cli import asked, opening, shapes
from domain.errors import Refused
from runtime import clock
from runtime.settings import settings
from web.api.fields import Code

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _gateways() -> None:
    """Report a pretend payment, as a gateway would."""


@app.command("stripe")
def _stripe(
    invoice: Annotated[str, typer.Option(help="Its number, like INV-0003, or its id.")],
    amount: Annotated[
        str | None, typer.Option(help="Like 12.50, in the invoice's currency; else all of it.")
    ] = None,
    duplicate: Annotated[
        int, typer.Option(min=1, max=500, help="Post each event so often, all at once.")
    ] = 1,
    out_of_order: Annotated[bool, typer.Option("--out-of-order", help="Shuffle them.")] = False,
    bad_signature: Annotated[
        bool, typer.Option("--bad-signature", help="Sign with a wrong secret.")
    ] = False,
    as_json: shapes.AsJson = False,
) -> None:
    """Post the three events of one Stripe payment, signed, and show what comes of it."""
    from cli.simulation import play, screen

    now = clock.now()
    stage = play.Stage(
        store=opening.store(),
        address=f"{settings().base_url.rstrip('/')}/webhooks/stripe",
        secret=_secret(),
        now=now,
        today=now.astimezone(settings().zone).date(),
    )
    name = asked.text(Code, invoice, "--invoice")
    wish = play.Wish(name, amount, duplicate, out_of_order, bad_signature)
    story = play.play(stage, wish)
    (screen.as_json if as_json else screen.show)(story)
    if not play.is_as_hoped(story, wish):
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
