"""Who knocks: the other end of the connection, or whom our own proxies have heard."""

import pytest
from pydantic import ValidationError

from runtime import senders
from runtime.settings import Settings

NOBODY: tuple[senders.Network, ...] = ()
OURS = Settings(trusted_proxies="10.0.0.0/8, 2001:db8::1").proxies

CASES = {
    "nobody in between": ("203.0.113.7", (), OURS, "203.0.113.7"),
    "no proxy is ours": ("203.0.113.7", (b"198.51.100.1",), NOBODY, "203.0.113.7"),
    "a stranger names somebody": ("203.0.113.7", (b"198.51.100.1",), OURS, "203.0.113.7"),
    "our proxy names somebody": ("10.0.0.1", (b"198.51.100.1",), OURS, "198.51.100.1"),
    "our proxy names nobody": ("10.0.0.1", (), OURS, "10.0.0.1"),
    "two of ours in a row": ("10.0.0.1", (b"198.51.100.1, 2001:db8::1",), OURS, "198.51.100.1"),
    "what the sender wrote": ("10.0.0.1", (b"192.0.2.1, 198.51.100.1",), OURS, "198.51.100.1"),
    "in two headers": ("10.0.0.1", (b"192.0.2.1", b"198.51.100.1"), OURS, "198.51.100.1"),
    "no address at all": ("10.0.0.1", (b"192.0.2.1, unknown",), OURS, "unknown"),
    "bytes that are no text": ("10.0.0.1", (b"\xff\xfe",), OURS, "ÿþ"),
    "an empty header": ("10.0.0.1", (b"",), OURS, ""),
}


@pytest.mark.parametrize(("client", "named", "proxies", "sender"), CASES.values(), ids=CASES.keys())
def test_only_our_own_proxies_are_believed_as_far_as_they_have_heard(
    client: str,
    named: tuple[bytes, ...],
    proxies: tuple[senders.Network, ...],
    sender: str,
):
    scope = {
        "client": (client, 40_000),
        "headers": [(b"x-forwarded-for", value) for value in named],
    }

    assert senders.address(scope, proxies) == sender


def test_a_sender_nobody_knows_has_no_address():
    assert senders.address({"client": None, "headers": []}, OURS) == ""


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33", "10.0.0.1;::1"])
def test_a_proxy_that_is_no_network_is_no_setting(text: str):
    with pytest.raises(ValidationError, match=r"does not appear|has host bits"):
        Settings(trusted_proxies=text)
