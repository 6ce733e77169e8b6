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

from sandbox import clock
from sandbox.paypal_certificates import kept_authority
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


def test_who_believed_it_believes_it_when_it_starts_again(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    seen = []

    for _ in range(2):
        with _started("--port", "0", "--ca-file", str(authority)) as (url, _):
            told = httpx.get(f"{url}/control", trust_env=False).json()["cert_url"]
            chain = httpx.get(told, trust_env=False).content
            seen.append((authority.read_bytes(), told.rpartition("/")[2], chain))

    (first, first_name, _), (second, second_name, chain) = seen
    leaf, _ = x509.load_pem_x509_certificates(chain)
    assert first == second
    assert first_name != second_name
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(first))
    assert (tmp_path / "authority.pem.key").stat().st_mode & 0o777 == 0o600


def test_halves_of_two_authorities_are_not_taken_for_one(tmp_path: Path) -> None:
    file, other, now = tmp_path / "ca.pem", tmp_path / "other.pem", clock.now()
    first, second = kept_authority(file, now), kept_authority(other, now)
    file.write_bytes(second.pem)

    mended = kept_authority(file, now)

    assert mended.key.public_key() == mended.certificate.public_key()
    assert mended.pem not in (first.pem, second.pem)
    assert kept_authority(file, now).pem == mended.pem


def test_it_takes_a_socket_that_listens_already() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        fd = listener.fileno()

        with _started("--fd", str(fd), fds=(fd,)) as (url, _):
            assert url == f"http://127.0.0.1:{port}"
            assert httpx.get(f"{url}/control", trust_env=False).status_code == 200
