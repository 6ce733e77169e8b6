"""The `incasso` command."""

from importlib import import_module

import typer
from typer.core import TyperCommand, TyperGroup

from cli import endings

# Each lives in the module of its name: a function of that name, or an `app` with commands below.
COMMANDS = (
    "up",
    "serve",
    "status",
    "stop",
    "resume",
    "setup",
    "migrate",
    "doctor",
    "audit",
    "attention",
    "events",
    "replay",
    "backfill",
    "why",
    "remind",
    "payment-link",
    "refund",
    "simulate",
    "token",
)


class Commands(TyperGroup):
    """Imports a command when it is asked for: one command does not wait for the parts of all."""

    def list_commands(self, ctx: object) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperGroup | TyperCommand | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = import_module(f"cli.{name}")
        found = getattr(module, "app", None)
        if found is None:
            found = typer.Typer(add_completion=False)
            found.command(cmd_name)(getattr(module, name))
        command = typer.main.get_command(found)
        assert isinstance(command, TyperGroup | TyperCommand)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def _incasso() -> None:
    """Gateways report money; Incasso books it exactly once."""


def main() -> None:
    """Runs a command."""
    with endings.plain():
        app()


if __name__ == "__main__":
    main()
