"""`incasso payment-link`: the address at which an invoice, or all that a client owes, is paid."""

from collections.abc import Callable
from getpass import getuser
from typing import Annotated

import typer

from cli import asked, moments, naming, opening, shapes
from domain.errors import Refused
from ledger.links import granting
from ledger.links.granting import Target, Terms
from ledger.store import Books
from runtime import clock, hosted
from runtime.settings import settings
from web.api.fields import Code


def payment_link(
    of: Annotated[str, typer.Argument(help="An invoice or a client: its number, or its id.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the link back.")] = False,
    expires: Annotated[
        str | None, typer.Option(help="Until when it can be opened, like 2026-12-31.")
    ] = None,
    takes_parts: Annotated[
        bool | None,
        typer.Option("--parts/--no-parts", help="Whether less than is owed may be paid."),
    ] = None,
    as_json: shapes.AsJson = False,
) -> None:
    """Print the link to pay an invoice, or all a client owes; the same one each time."""
    if revoke and (expires is not None or takes_parts is not None):
        raise typer.BadParameter("--revoke stands alone")
    name = asked.text(Code, of, "OF")
    actor = f"cli:{getuser()}"
    if revoke:
        return _revoke(name, actor, as_json=as_json)
    terms = Terms(takes_parts, moments.instant(expires, settings().zone) if expires else None)
    made_with = hosted.from_settings()
    secret = made_with.secret
    granted = opening.store().act(
        lambda books: granting.grant(
            books, _target(books, name, granting.of_invoice), terms, secret, actor, clock.now()
        )
    )
    url = made_with.address(granted.token)
    if as_json:
        told = {
            "url": url,
            "expiresAt": granted.link.expires_at,
            "takesParts": granted.link.takes_parts,
        }
        return shapes.as_json(told)
    typer.echo(url)
    return None


def _revoke(name: str, actor: str, *, as_json: bool) -> None:
    is_revoked = opening.store().act(
        lambda books: granting.revoke(
            books, _target(books, name, granting.of_any_invoice), actor, clock.now()
        )
    )
    if as_json:
        return shapes.as_json({"revoked": is_revoked})
    said = "opens nothing any more." if is_revoked else "has no link that could be revoked."
    typer.echo(f"The link of {name} {said}" if is_revoked else f"{name} {said}")
    return None


def _target(books: Books, name: str, of_invoice: Callable[[Books, int], Target]) -> Target:
    """The invoice of that name, else the client."""
    try:
        return of_invoice(books, naming.invoice(books, name).id)
    except Refused as refusal:
        if refusal.code != "unknown_invoice":
            raise
    try:
        return granting.of_client(books, naming.client(books, name))
    except Refused as refusal:
        raise Refused("unknown", f"there is neither an invoice nor a client {name}") from refusal
