"""`python -m sandbox`, as a newcomer starts it and as the command will."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import stripe
from cryptography import x509

from tests.sandbox.customers import session_params


@contextmanager
def _started(*arguments: str, fds: tuple[int, ...] = ()) -> Iterator[tuple[str, int]]:
    """The address that it says it is ready at."""
    command = [sys.executable, "-m", "sandbox", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=fds) as program:
        assert program.stdout is not None
        try:
            ready, _, url = program.stdout.readline().rpartition(" ")
            assert ready == "sandbox ready"
            yield url.strip(), program.pid
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(30)


def test_it_says_when_it_is_ready_and_writes_its_authority(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"

    with _started("--port", "0", "--ca-file", str(authority)) as (url, _):
        api = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{url}/stripe"})
        made = api.raw_request("post", "/v1/checkout/sessions", **session_params())
        page = json.loads(str(made.body))["url"]

        assert httpx.get(page, trust_env=False).status_code == 200
        assert x509.load_pem_x509_certificates(authority.read_bytes())


def test_it_takes_a_socket_that_listens_already() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        fd = listener.fileno()

        with _started("--fd", str(fd), fds=(fd,)) as (url, _):
            assert url == f"http://127.0.0.1:{port}"
            assert httpx.get(f"{url}/control", trust_env=False).status_code == 200
