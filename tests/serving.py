"""The product's server for an application, on a loopback port, in a thread of the test."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from cli import serve

if TYPE_CHECKING:
    from cli.serve import Application


@contextmanager
def serving(app: "Application") -> Iterator[str]:
    """The address of the application while it is served."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(serve.terms(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server died"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
