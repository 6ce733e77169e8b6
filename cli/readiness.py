"""Asks the parts of a running Incasso whether they are ready."""

import asyncio
import http.client
from collections.abc import Callable

from cli.ports import LOOPBACK

_PAUSE_SECONDS = 0.05


async def until(ready: Callable[[], bool]) -> None:
    """Returns when `ready` says so. It is asked on another thread, again and again."""
    while not await asyncio.to_thread(ready):
        await asyncio.sleep(_PAUSE_SECONDS)


def answers(port: int, path: str) -> bool:
    """Whether a loopback HTTP server answers 200."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
