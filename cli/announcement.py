"""What a run tells those beside it, for as long as it lasts."""

from collections.abc import Mapping
from pathlib import Path

from cli.keys import write_privately

RUN_FILE = "run.env"
STATE_FILE = "state.json"


def announce(local: Path, variables: Mapping[str, str]) -> None:
    """Tells `incasso` commands started beside this run where everything is."""
    lines = (f"{name}={value}\n" for name, value in variables.items())
    write_privately(local / RUN_FILE, "".join(lines))


def withdraw(local: Path) -> None:
    """Takes back what a run announced: this one, or one that was killed."""
    for name in (RUN_FILE, STATE_FILE):
        (local / name).unlink(missing_ok=True)
