"""`incasso migrate`: brings the schema of the database up to date."""

import typer

from cli import opening
from ledger import migrations


def migrate() -> None:
    """Bring the database to the schema this version needs; nothing happens when it is there."""
    store = opening.reachable_store()
    before = migrations.present(store)
    migrations.upgrade(store)
    after = migrations.newest()
    if before == after:
        typer.echo(f"The schema is {after} already.")
    else:
        typer.echo(f"The schema went from {before or 'none'} to {after}.")
