"""What hosted links are made with: the gateways, the secret behind the tokens, our own address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.errors import Refused
from gateways.port import Gateway
from runtime import wiring
from runtime.senders import Network
from runtime.settings import settings

_SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True)
class Hosted:
    """`secret_key` of None: no link can be given out. What `proxies` say of senders is believed."""

    gateways: Mapping[str, Gateway]
    secret_key: str | None
    base_url: str
    proxies: Sequence[Network] = ()

    @property
    def secret(self) -> bytes:
        """What tokens are made with; Refused where there is none, or one that can be guessed."""
        key = (self.secret_key or "").strip()
        if len(key) < _SHORTEST_SECRET:
            raise Refused(
                "no_secret_key",
                f"links need SECRET_KEY, at least {_SHORTEST_SECRET} signs that nobody can guess",
            )
        return key.encode()

    def address(self, token: str) -> str:
        """Where a link is opened."""
        return f"{self.base_url.rstrip('/')}/pay/{token}"


def from_settings() -> Hosted:
    """Those of this process."""
    key = settings().secret_key
    return Hosted(
        gateways=wiring.gateways(),
        secret_key=key.get_secret_value() if key else None,
        base_url=settings().base_url,
        proxies=settings().proxies,
    )
