"""The `incasso` command."""

import sys
from importlib import import_module
from typing import NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from domain.errors import Refused, TryLater

FAILED = 1
WRONG_SCHEMA = 3

# Each lives in the module of its name: a function of that name, or an `app` with commands below.
COMMANDS = (
    "up",
    "serve",
    "setup",
    "migrate",
    "doctor",
    "audit",
    "attention",
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
        module = import_module(f"cli.{cmd_name}")
        found = getattr(module, "app", None)
        if found is None:
            found = typer.Typer(add_completion=False)
            found.command(cmd_name)(getattr(module, cmd_name))
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


def main() -> NoReturn:
    """Runs a command; an expected failure becomes one line and an exit code, no traceback."""
    try:
        app()
    except Refused as refused:
        _fail(refused.detail, WRONG_SCHEMA if refused.code == "wrong_schema" else FAILED)
    except TryLater as busy:
        _fail(f"{busy}; try again in {busy.after.total_seconds():.0f} s", FAILED)
    sys.exit(0)


def _fail(reason: str, code: int) -> NoReturn:
    typer.echo(f"incasso: {reason}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
