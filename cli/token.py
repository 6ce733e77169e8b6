"""`incasso token`: who may use the API."""

import secrets
from typing import Annotated

import typer

from cli import asked, opening, shapes
from domain.errors import Refused
from ledger.access import tokens
from web.api.fields import Code

app = typer.Typer(no_args_is_help=True, help="Let programs into the API, and shut them out.")

Name = Annotated[str, typer.Argument(help="A name for people, such as the program that uses it.")]


@app.command("add")
def _add(name: Name, as_json: shapes.AsJson = False) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    known_as, token = asked.text(Code, name, "NAME"), f"inc_{secrets.token_urlsafe(24)}"
    with opening.store().transaction() as books:
        tokens.add(books, known_as, token)
    if as_json:
        return shapes.as_json({"name": known_as, "token": token})
    return typer.echo(token)


@app.command("revoke")
def _revoke(name: Name) -> None:
    """Shut out every token of that name, at once."""
    with opening.store().transaction() as books:
        count = tokens.revoke(books, asked.text(Code, name, "NAME"))
    if not count:
        raise Refused("unknown_token", f"no token named {name!r} is let in")
    typer.echo(f"{count} token{'s' if count > 1 else ''} shut out.")
