"""A flawed library, for workers that a story starts with this folder on their PYTHONPATH.

Python imports a module of this name by itself at its start. From then on the standard library's
JSON decoder does to some texts what a flaw in a C library, an endless loop or a decompression bomb
would do, and to all others what it always does.
"""

import json
import os
import signal
from collections.abc import Callable

_decode = json.JSONDecoder.decode

_ROOM = 3 * 1024**3  # here the kernel would end whoever fills it: the others need theirs


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fill_the_memory() -> None:
    held: list[bytearray] = []
    while len(held) < _ROOM >> 24:
        held.append(bytearray(1 << 24))
    _crash()


def _never_end() -> None:
    while True:
        pass


def _never_end_and_hear_nothing() -> None:
    """As a loop in C, in which Python's signal handlers never get their turn."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL})
    _never_end()


FLAWS: dict[str, Callable[[], None]] = {
    "poison-crash": _crash,
    "poison-memory": _fill_the_memory,
    "poison-loop": _never_end,
    "poison-deaf": _never_end_and_hear_nothing,
}


def _flawed(decoder: json.JSONDecoder, text: str, *rest: object) -> object:
    for sign, befall in FLAWS.items():
        if sign in text:
            befall()
    return _decode(decoder, text, *rest)  # type: ignore[arg-type] # whatever it takes


json.JSONDecoder.decode = _flawed  # type: ignore[method-assign, assignment] # that is the flaw
