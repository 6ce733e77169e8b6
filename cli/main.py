"""The `incasso` command."""

import sys
from typing import NoReturn

import typer

from cli import attention, simulate, token
from cli.audit import audit
from cli.doctor import doctor
from cli.migrate import migrate
from cli.serve import serve
from cli.setup import setup
from domain.errors import Refused, TryLater

FAILED = 1
WRONG_SCHEMA = 3

app = typer.Typer(
    help="Gateways report money; Incasso books it exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("up")
def _up() -> None:
    """Run everything: stores, web, workers, beat and Flower. Ctrl-C ends it."""
    from cli.up import up

    up()


for command in (serve, setup, migrate, doctor, audit):
    app.command()(command)
for name, group in (("attention", attention), ("simulate", simulate), ("token", token)):
    app.add_typer(group.app, name=name)


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
