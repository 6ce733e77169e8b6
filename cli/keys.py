"""Secrets that nobody has set are made up once and kept in the local folder."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from runtime.settings import Settings

_MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "STRIPE_WEBHOOK_SECRETS": lambda: f"whsec_{secrets.token_urlsafe(24)}",
    "FLOWER_BASIC_AUTH": lambda: f"ops:{secrets.token_urlsafe(12)}",
    "API_TOKEN": lambda: f"inc_{secrets.token_urlsafe(24)}",
}


def complete(settings: Settings) -> None:
    """Writes what is missing to `secrets.env` (0600); what is set anywhere stays as it is."""
    missing = [name for name in _MAKERS if getattr(settings, name.lower()) is None]
    if not missing:
        return
    write_privately(
        settings.local_dir / "secrets.env",
        "".join(f"{name}={_MAKERS[name]()}\n" for name in missing),
        flags=os.O_APPEND,
    )


def is_made_up(settings: Settings, name: str) -> bool:
    """Whether the value in force is one that was made up here."""
    value = getattr(settings, name.lower())
    made = settings.local_dir / "secrets.env"
    if value is None or not made.exists():
        return False
    return f"{name}={value.get_secret_value()}" in made.read_text().splitlines()


def write_privately(path: Path, text: str, *, flags: int = os.O_TRUNC) -> None:
    """Writes a file that its owner alone may read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
