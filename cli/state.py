"""`state.json`: what runs, where, and under which process ids, for people and tools beside it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.keys import write_privately


@dataclass(frozen=True, slots=True)
class State:
    """What a running `incasso up` tells; a name whose room is not built yet is None."""

    web: str
    flower: str
    mailbox: str
    metrics: str
    api_token: str
    sandbox: str | None
    console: Mapping[str, str] | None
    database: str
    processes: Mapping[str, int | list[int] | None]


def write(path: Path, state: State) -> None:
    """Replaces the file at once; a reader sees the old or the new one, never half."""
    arriving = path.with_suffix(".new")
    write_privately(arriving, json.dumps(asdict(state), indent=2) + "\n")
    arriving.rename(path)


def read(path: Path) -> State | None:
    """What was written last; None when nothing runs."""
    try:
        return State(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
