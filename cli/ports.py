"""Finds a port to listen on: the one wished for, or the next free one."""

import socket

LOOPBACK = "127.0.0.1"
_SPAN = 50


def listen(wished: int) -> socket.socket:
    """A listening socket on the first free port from `wished` on; any port when all are taken."""
    for port in (*range(wished, min(wished + _SPAN, 65536)), 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, port))
            # Another program may listen on the same address too, until one of the two listens.
            listening.listen(2048)
        except OSError:
            listening.close()
        else:
            return listening
    raise AssertionError("port 0 is always free")


def free_port(wished: int) -> int:
    """The first free port from `wished` on, for a program that will bind it itself."""
    with listen(wished) as listening:
        return port_of(listening)


def address(port: int) -> str:
    """What a port of this machine is called by a browser."""
    return f"http://{LOOPBACK}:{port}"


def port_of(listening: socket.socket) -> int:
    """The port a socket is bound to."""
    port = listening.getsockname()[1]
    assert isinstance(port, int)
    return port
