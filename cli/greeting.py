"""The box that says, when everything is ready, where it is and what to try."""

from dataclasses import dataclass
from io import StringIO

from cli.state import State


@dataclass(frozen=True, slots=True)
class Box:
    """`flower_login` is `user:password`; `invoice` is one to pay, None when none is open."""

    told: State
    flower_login: str
    invoice: str | None
    seconds: float

    def drawn(self, *, in_colour: bool) -> str:
        """The box as lines of text."""
        from rich.console import Console
        from rich.panel import Panel
        from rich.table import Table

        rows = Table.grid(padding=(0, 2))
        for name, value in self._rows():
            rows.add_row(name, value)
        drawn = StringIO()
        console = Console(file=drawn, force_terminal=in_colour, no_color=not in_colour, width=100)
        title = f"Incasso is ready after {self.seconds:.1f} s"
        console.print(Panel(rows, title=title, expand=False))
        return drawn.getvalue()

    def _rows(self) -> tuple[tuple[str, str], ...]:
        user, _, password = self.flower_login.partition(":")
        invoice = self.invoice or "NUMBER"
        return (
            ("Web", self.told.web),
            ("Sandbox", self.told.sandbox or "none: every gateway is a real one"),
            ("Flower", f"{self.told.flower}  (user {user}, password {password})"),
            ("Metrics", self.told.metrics),
            ("Mailbox", self.told.mailbox),
            ("API token", self.told.api_token),
            ("Try a payment", f".venv/bin/incasso simulate stripe --invoice {invoice}"),
            ("Stop", "Ctrl-C"),
        )
