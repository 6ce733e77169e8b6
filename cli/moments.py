"""Moments and spans as people type and read them."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import typer

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)


def span(text: str) -> timedelta:
    """A span like 90s, 10m, 2h or 3d; anything else is wrong usage."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise typer.BadParameter("a span like 90s, 10m, 2h or 3d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def instant(text: str, zone: ZoneInfo) -> datetime:
    """The beginning of a day like 2026-11-20, or an instant like 2026-11-20T08:30.

    In `zone` unless it names its own; anything else is wrong usage.
    """
    try:
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter("a day like 2026-11-20, or 2026-11-20T08:30") from error


def shown(instant: datetime) -> str:
    """An instant of UTC as the tables show it."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def long(seconds: float) -> str:
    """How long something has lasted, in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    told = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(told) or "0 s"
