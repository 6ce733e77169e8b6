"""The box that says, when everything is ready, where it is and what to try."""

from io import StringIO

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from cli.state import State

_TRY = ".venv/bin/incasso simulate stripe --invoice INV-…"


def box(told: State, flower_login: str, *, in_colour: bool) -> str:
    """The box, drawn."""
    user, _, password = flower_login.partition(":")
    rows = Table.grid(padding=(0, 2))
    rows.add_row("Web", told.web)
    rows.add_row("Flower", f"{told.flower}  (user {user}, password {password})")
    rows.add_row("API token", told.api_token)
    rows.add_row("Metrics", told.metrics)
    rows.add_row("Try a payment", _TRY)
    rows.add_row("Stop", "Ctrl-C")
    drawn = StringIO()
    console = Console(file=drawn, force_terminal=in_colour, no_color=not in_colour, width=100)
    console.print(Panel(rows, title="Incasso is ready", expand=False))
    return drawn.getvalue()
