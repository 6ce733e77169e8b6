"""`incasso audit`: recomputes every total and checks every law of the books."""

import typer
from rich.console import Console

from cli import opening, shapes
from ledger.books import audit as books_audit


def audit(as_json: shapes.AsJson = False) -> None:
    """Recompute every total and check every law of the books; exit 1 if anything differs."""
    store = opening.store()
    differences = []
    progress = Console(stderr=True).status("Checking the laws of the books …")
    with store.snapshot() as books, progress:
        for difference in books_audit.audit(books):
            differences.append(difference)
            progress.update(f"{len(differences)} differences; now: {difference.law}")
    if as_json:
        shapes.as_json(differences)
    elif not differences:
        typer.echo(f"The books are right: {len(books_audit.laws()) + 1} laws hold.")
    else:
        rows = [(found.subject, found.law, found.detail) for found in differences]
        shapes.as_table(("where", "law that does not hold", "what was found"), rows)
    if differences:
        raise typer.Exit(1)
