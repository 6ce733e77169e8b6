"""A stranger on the wire: says any bytes to a port, and hears what is said until it is hung up."""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PATIENCE_SECONDS = 20.0
HERE = "127.0.0.1"
ELSEWHERE = "127.0.0.2"  # loopback has many addresses


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said; header names in lower case, and without the date."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


def post(
    body: bytes,
    *headers: tuple[str, bytes],
    path: str = "/webhooks/stripe",
    method: str = "POST",
    keeps: bool = False,
    content_type: str = "application/json; charset=utf-8",
) -> bytes:
    """One whole request; the connection is kept for a next one, or closed."""
    lines = [
        f"{method} {path} HTTP/1.1".encode(),
        b"Host: pay.example",
        f"Content-Type: {content_type}".encode(),
        f"Content-Length: {len(body)}".encode(),
        *([] if keeps else [b"Connection: close"]),
        *(name.encode() + b": " + value for name, value in headers),
    ]
    return b"\r\n".join([*lines, b"", body])


def say(port: int, *pieces: bytes, source: str = HERE) -> list[Answer]:
    """What comes back until the server hangs up; it may hang up while it is still spoken to."""
    with connected(port, source) as stranger:
        speak(stranger, pieces)
        return answers(hear(stranger))


def connected(port: int, source: str = HERE) -> socket.socket:
    return socket.create_connection((HERE, port), PATIENCE_SECONDS, (source, 0))


def speak(stranger: socket.socket, pieces: Iterable[bytes]) -> int:
    """How many bytes went out before the server hung up."""
    said = 0
    try:
        for piece in pieces:
            stranger.sendall(piece)
            said += len(piece)
    except ConnectionError:
        pass
    return said


def hear(stranger: socket.socket) -> bytes:
    """Everything until the end; TimeoutError when the server holds on."""
    heard = b""
    try:
        while piece := stranger.recv(65_536):
            heard += piece
    except ConnectionError:
        pass
    return heard


def answers(heard: bytes) -> list[Answer]:
    """The answers one after another, each as long as it says."""
    found = []
    while heard:
        head, _, rest = heard.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(b": ") for x in lines)}
        headers.pop(b"date", None)
        length = int(headers[b"content-length"])
        found.append(Answer(int(status.split(b" ")[1]), headers, rest[:length]))
        heard = rest[length:]
    return found
