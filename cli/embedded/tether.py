"""Ties a program to the life of whoever starts it, so that nothing is left behind."""

import ctypes
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from signal import Signals

# linux/prctl.h
_SET_DEATH_SIGNAL = 1
_SET_NAME = 15


def tethered(argv: Sequence[str], *, farewell: Signals, uid: int | None = None) -> list[str]:
    """`argv`, arranged to receive `farewell` when its starter dies, by whatever death.

    Linux watches the *thread* that starts the program: start it from one that lives on.
    `uid` is the account to run as; None means our own.
    """
    setpriv = _setpriv()
    if setpriv is None:
        assert uid is None
        return list(argv)
    name = farewell.name.removeprefix("SIG")
    return [setpriv, *_identity(uid), "--pdeathsig", name, *argv]


def tie(farewell: Signals, *, name: str) -> None:
    """Does the same for this very process, and names it for `ps -o comm` and `top`."""
    if sys.platform != "linux":
        return
    kernel = ctypes.CDLL(None)
    kernel.prctl(_SET_DEATH_SIGNAL, int(farewell))
    kernel.prctl(_SET_NAME, name.encode())


def can_change_account() -> bool:
    """Whether `uid` may be given."""
    return _setpriv() is not None


def _identity(uid: int | None) -> tuple[str, ...]:
    if uid is None:
        return ()
    return ("--reuid", str(uid), "--regid", str(uid), "--clear-groups")


@cache
def _setpriv() -> str | None:
    # Part of util-linux, thus of every common Linux; without it a next start clears what is left.
    return shutil.which("setpriv")
