"""`incasso replay`: puts events back to be settled once more, or shows what that would change."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from getpass import getuser
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console

from cli import asked, moments, nudging, opening, rehearsal, shapes
from cli.events import MOST_NUMBER
from domain.errors import Refused
from ledger import stops
from ledger.inbox import events, replaying
from ledger.inbox.events import State, Wanted
from ledger.inbox.replaying import PutBackRow
from ledger.store import Store
from runtime.settings import settings
from web.api.fields import Code, LongLine

_CHUNK = 1_000
_FINISHED = (State.DEAD, State.PARKED, State.IGNORED, State.DONE)


def replay(  # noqa: PLR0913 - one option per way to say which events
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="[ID]...", min=1, max=MOST_NUMBER, help="Numbers of events."),
    ] = None,
    *,
    reason: Annotated[str | None, typer.Option(help="Part of the reason they tell.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Of this gateway.")] = None,
    since: Annotated[str | None, typer.Option(help="Arrived since, such as 2026-11-20.")] = None,
    state: Annotated[list[State] | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The oldest so many.")] = None,
    how: Annotated[str, typer.Option(help="What was done about them.")] = "replayed",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: shapes.AsJson = False,
) -> None:
    """Settle events once more: those named, or --reason, or --gateway with --since.

    Whatever was posted already is not posted again, so an event that is done changes nothing. An
    event that waits already is left alone.
    """
    wanted = Wanted(
        ids=tuple(sorted(set(ids))) if ids else None,
        states=tuple(state or _FINISHED),
        reason=asked.text_if_given(LongLine, reason, "--reason"),
        gateway=asked.text_if_given(Code, gateway, "--gateway"),
        since=moments.instant(since, settings().zone) if since is not None else None,
    )
    said = asked.text(LongLine, how, "--how")
    _check_usage(wanted)
    store = opening.store()
    _check_named(store, wanted)
    if dry_run:
        return rehearsal.show(store, _found(store, wanted, limit, rehearsal.MOST), as_json=as_json)
    if wanted.ids is None and limit is None and not yes:
        _confirm(store, wanted)
    found = _found(store, wanted, limit, None)
    return _tell(store, _put_back(store, found, said), as_json=as_json)


def _check_usage(wanted: Wanted) -> None:
    is_broad = wanted.reason is not None or None not in (wanted.gateway, wanted.since)
    if wanted.ids is not None and (wanted.reason or wanted.gateway or wanted.since):
        raise typer.BadParameter("name events, or say what is common to them; not both")
    if wanted.ids is None and not is_broad:
        raise typer.BadParameter("name events, or give --reason, or --gateway with --since")


def _check_named(store: Store, wanted: Wanted) -> None:
    """Refused when a named event is not there, before any is touched."""
    if wanted.ids is None:
        return
    with store.snapshot() as books:
        known = events.oldest_ids(books, Wanted(ids=wanted.ids), len(wanted.ids))
    missing = [str(id_) for id_ in wanted.ids if id_ not in set(known)]
    if missing:
        raise Refused("unknown_event", f"there is no event {', '.join(missing)}; nothing was done")


def _found(store: Store, wanted: Wanted, limit: int | None, most: int | None) -> list[int]:
    bounds = [bound for bound in (limit, most) if bound is not None]
    with store.snapshot() as books:
        return events.oldest_ids(books, wanted, min(bounds) if bounds else MOST_NUMBER)


def _confirm(store: Store, wanted: Wanted) -> None:
    with store.snapshot() as books:
        counts = events.counts(books, wanted)
    if counts:
        typer.confirm(f"Put back {_counted(counts)}?", abort=True, err=True)


def _put_back(store: Store, ids: Sequence[int], how: str) -> list[PutBackRow]:
    """In steps, so that nobody waits long for a row; each step is one act."""
    done: list[PutBackRow] = []
    actor = f"cli:{getuser()}"
    with Console(stderr=True).status("Putting events back …") as progress:
        for chunk in _chunks(ids):
            with store.transaction() as books:
                done += replaying.put_back(books, chunk, actor, how)
            progress.update(f"Put back {len(done)} of {len(ids)} events …")
    if done:
        nudging.nudge()
    return done


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _tell(store: Store, done: Sequence[PutBackRow], *, as_json: bool) -> None:
    if as_json:
        return shapes.as_json({"put_back": done})
    if not done:
        return typer.echo("Nothing to put back: no such event, or it waits already.")
    counts = Counter(State(row.was) for row in done)
    with store.snapshot() as books:
        stopped = [row.what for row in stops.standing(books)]
    typer.echo(f"Put back {_counted(counts)}.")
    if "settling" in stopped:
        return typer.echo("Settling is stopped: they wait for `incasso resume settling`.")
    return typer.echo("A worker settles them now; `incasso events show ID` tells how it went.")


def _counted(counts: Mapping[State, int]) -> str:
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"{told} event{'' if sum(counts.values()) == 1 else 's'}"
