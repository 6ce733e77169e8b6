"""`incasso simulate`: a pretend payment comes by the real endpoint, and what came of it is told."""

from getpass import getuser
from typing import Annotated

import typer

from cli import asked, opening, shapes
from domain.errors import Refused
from runtime import clock, hosted
from runtime.settings import settings
from web.api.fields import Code

app = typer.Typer(no_args_is_help=True)

Invoice = Annotated[str, typer.Option(help="Its number, like INV-0003, or its id.")]
Amount = Annotated[
    str | None, typer.Option(help="Like 12.50, in the invoice's currency; else all of it.")
]
Copies = Annotated[
    int, typer.Option("--duplicate", min=1, max=500, help="Post each event so often, all at once.")
]
Shuffled = Annotated[bool, typer.Option("--out-of-order", help="Shuffle them.")]
Forged = Annotated[bool, typer.Option("--bad-signature", help="Sign with a wrong secret.")]


@app.callback()
def _gateways() -> None:
    """Report a pretend payment, as a gateway would."""


@app.command("stripe")
def _stripe(
    invoice: Invoice,
    amount: Amount = None,
    duplicate: Copies = 1,
    out_of_order: Shuffled = False,
    bad_signature: Forged = False,
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


def _pretended(gateway: str, label: str) -> None:
    """Gives a gateway of the sandbox its command."""

    @app.command(
        gateway,
        help=f"Pay an invoice at the sandbox's {label}, by its link, and show what comes of it.",
    )
    def simulate(
        invoice: Invoice,
        amount: Amount = None,
        duplicate: Copies = 1,
        out_of_order: Shuffled = False,
        bad_signature: Forged = False,
        as_json: shapes.AsJson = False,
    ) -> None:
        how = (amount, duplicate, out_of_order, bad_signature)
        _walk(gateway, invoice, how, as_json=as_json)


for _gateway, _label in (("paypal", "PayPal"), ("mobilpay", "MobilPay"), ("netopia", "NETOPIA")):
    _pretended(_gateway, _label)


def _walk(
    gateway: str, invoice: str, how: tuple[str | None, int, bool, bool], *, as_json: bool
) -> None:
    from cli.simulation import play, pretence, screen, walk

    wish = play.Wish(asked.text(Code, invoice, "--invoice"), *how)
    with pretence.opened(gateway) as far:
        now = clock.now()
        shop = walk.Shop(
            store=opening.store(),
            hosted=hosted.from_settings(),
            actor=f"cli:{getuser()}",
            now=now,
            today=now.astimezone(settings().zone).date(),
        )
        story = walk.walk(shop, far, wish)
    (screen.as_json if as_json else screen.show)(story)
    if not walk.is_as_hoped(story):
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
