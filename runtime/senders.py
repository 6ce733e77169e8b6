"""Who sends a request: the other end of the connection, or whom a proxy of ours names."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network


def address(scope: Mapping[str, Any], proxies: Sequence[Network]) -> str:
    """The sender's address, empty when nobody knows it.

    Anybody can write X-Forwarded-For, and every proxy adds at its end whom it heard. So it is read
    from the end, and only as far as those who wrote it are ours.
    """
    client = scope.get("client")
    sender = str(client[0]) if client else ""
    for named in _named(scope["headers"]) if proxies else ():
        if not _is_ours(sender, proxies):
            break
        sender = named
    return sender


def _named(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Whom X-Forwarded-For names, the last one first."""
    values = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return [part.strip() for part in reversed(",".join(values).split(","))] if values else []


def _is_ours(sender: str, proxies: Sequence[Network]) -> bool:
    try:
        found = ip_address(sender)
    except ValueError:
        return False
    return any(found in proxy for proxy in proxies)
