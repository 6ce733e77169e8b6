"""One load process: presigned requests on keep-alive connections, each sent as soon as it may.

It shares the machine with what it measures, so it does as little as possible: raw sockets, one
epoll, and an answer is compared with the first good one by its length and its status alone.
First line in: the order, as JSON. Out: `ready`. Then for every line with seconds, a result as JSON.
"""

import gc
import json
import select
import socket
import sys
import time
from typing import Any

from benchmarks.series import Series, requests

_SILENCE_SECONDS = 10.0


class Load:
    """A server, and the requests that were not sent yet."""

    def __init__(self, port: int, connections: int, waiting: list[bytes]) -> None:
        self._port = port
        self._connections = connections
        self._waiting = iter(waiting)
        self._poll = select.epoll()
        self._lines: dict[int, socket.socket] = {}
        self._expected = 0

    def run(self, seconds: float) -> dict[str, Any]:
        """Sends for so long, waits for every answer, and tells what it saw; times in seconds."""
        self._connect()
        now, began_cpu, began = time.monotonic, time.process_time(), time.monotonic()
        lines, until, expected = self._lines, began + seconds, self._expected
        sent_at: dict[int, float] = {}
        latencies: list[float] = []
        refused = 0
        for fd, line in lines.items():
            self._send(line, sent_at, fd)
        ended = began
        while sent_at:
            ready = self._poll.poll(_SILENCE_SECONDS)
            if not ready:
                break
            for fd, _ in ready:
                line = lines[fd]
                answer = line.recv(65536)
                if len(answer) != expected or answer[9:12] != b"200":
                    answer = _whole(line, answer)
                    if answer[9:12] == b"200":
                        expected = self._expected = len(answer)
                    else:
                        refused += 1
                ended = now()
                latencies.append(ended - sent_at.pop(fd))
                if ended < until:
                    self._send(line, sent_at, fd)
        return {
            "began_at": began,
            "ended_at": ended,
            "accepted": len(latencies) - refused,
            "refused": refused + len(sent_at),
            "latencies": [round(latency, 6) for latency in latencies],
            "cpu_seconds": time.process_time() - began_cpu,
        }

    def _connect(self) -> None:
        """Anew for every run: servers hang up on those that are silent between two."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()
        for _ in range(self._connections):
            line = socket.create_connection(("127.0.0.1", self._port))
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._lines[line.fileno()] = line
            self._poll.register(line.fileno(), select.EPOLLIN)

    def _send(self, line: socket.socket, sent_at: dict[int, float], fd: int) -> None:
        request = next(self._waiting, None)
        if request is not None:
            sent_at[fd] = time.monotonic()
            line.sendall(request)


def _whole(line: socket.socket, answer: bytes) -> bytes:
    """The answer with the rest of its body; raises when the server hung up."""
    while b"\r\n\r\n" not in answer:
        answer += _more(line)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
    while len(body) < int(length):
        more = _more(line)
        answer, body = answer + more, body + more
    return answer


def _more(line: socket.socket) -> bytes:
    more = line.recv(65536)
    if not more:
        raise ConnectionError("the server hung up")
    return more


def main() -> None:
    """Obeys until its input ends."""
    order = json.loads(sys.stdin.readline())
    numbers = range(order["first"], order["end"], order["step"])
    address = f"127.0.0.1:{order['port']}"
    series = Series(**order["series"])
    waiting = requests(series, numbers, order["secret"], address, order["second"])
    load = Load(order["port"], order["connections"], waiting)
    gc.collect()
    gc.freeze()
    gc.disable()
    _say("ready")
    for line in sys.stdin:
        _say(json.dumps(load.run(float(line))))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
