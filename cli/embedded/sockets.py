"""Where unix sockets live: a folder of our own, on a path short enough for the kernel."""

import hashlib
import os
import tempfile
from pathlib import Path

from domain.errors import Refused

# A socket's whole path must stay below 108 bytes, its name included.
LONGEST_PATH_BYTES = 100
_LONGEST_NAME = ".s.PGSQL.5432.lock"


def socket_folder(home: Path, *, uid: int | None = None) -> Path:
    """The 0700 folder for the sockets of what lives in `home`, made when missing.

    It lies in `home`, or in the temporary folder when that path is too long. `uid` is the account
    that will own it; None means our own.
    """
    folder = home / "run"
    if _is_too_long(folder):
        folder = Path(tempfile.gettempdir()) / f"incasso-{digest(home)}"
    owner = os.geteuid() if uid is None else uid
    return private_folder(folder, owner=owner)


def digest(path: Path) -> str:
    """A short name that stands for a path."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def private_folder(folder: Path, *, owner: int) -> Path:
    """Makes `folder` 0700 for `owner`; refuses one that somebody else put there first."""
    try:
        folder.mkdir(mode=0o700, parents=True)
        if owner != os.geteuid():
            os.chown(folder, owner, owner)
    except FileExistsError:
        found = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or found.st_uid != owner:
            raise Refused(
                "foreign_folder", f"{folder} belongs to somebody else; move it away"
            ) from None
        folder.chmod(0o700)
    return folder


def _is_too_long(folder: Path) -> bool:
    return len(os.fsencode(folder / _LONGEST_NAME)) >= LONGEST_PATH_BYTES
