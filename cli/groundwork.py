"""Lays the ground the children stand on: the run's addresses, the schema, the first token."""

from collections.abc import Mapping
from pathlib import Path

from cli.keys import write_privately
from ledger import migrations
from ledger.access import tokens
from runtime import wiring
from runtime.settings import settings

RUN_FILE = "run.env"
STATE_FILE = "state.json"


def announce(local: Path, variables: Mapping[str, str]) -> None:
    """Tells `incasso` commands started beside this run where everything is."""
    lines = (f"{name}={value}\n" for name, value in variables.items())
    write_privately(local / RUN_FILE, "".join(lines))
    settings.cache_clear()


def withdraw(local: Path) -> None:
    """Takes back what a run announced: this one, or one that was killed."""
    for name in (RUN_FILE, STATE_FILE):
        (local / name).unlink(missing_ok=True)
    settings.cache_clear()


def lay() -> None:
    """Brings the schema up to date, confirms whose money is booked, lets our API token in."""
    token = settings().api_token
    assert token is not None
    migrations.upgrade(wiring.store())
    wiring.confirm_accounts()
    with wiring.store().transaction() as books:
        tokens.add(books, "incasso up", token.get_secret_value())
    wiring.store().close()
