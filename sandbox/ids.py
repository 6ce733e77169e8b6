"""Ids as the gateways make them, from one seeded source."""

import random
import string
import uuid

_WIDE = string.ascii_letters + string.digits
_PAYPAL = string.ascii_uppercase + string.digits


class Ids:
    """Never gives the same id twice; the same seed gives the same ids again."""

    def __init__(self, seed: int | None) -> None:
        # Not for secrets: whoever runs a sandbox may know its ids.
        self._random = random.Random(seed)  # noqa: S311
        # Begun at random: a sandbox that starts again gives no id that books know from before.
        self._ntp = self._random.randrange(10**8, 9 * 10**8)

    def purchase(self) -> str:
        """A payment of MobilPay's."""
        return str(self._random.randrange(1_000_000, 100_000_000))

    def crc(self) -> str:
        """What MobilPay wants to read again."""
        return f"{self._random.getrandbits(128):032x}"

    def stripe(self, prefix: str) -> str:
        """Such as `pi_3Sx…`; the prefix is told without its underscore."""
        return f"{prefix}_{self._text(_WIDE, 24)}"

    def paypal(self) -> str:
        """Seventeen capitals and digits, as orders, captures and refunds are called."""
        return self._text(_PAYPAL, 17)

    def paypal_event(self) -> str:
        """Such as `WH-58D329510W468432D-8HN650336L201105X`."""
        return f"WH-{self.paypal()}-{self.paypal()}"

    def dispute(self) -> str:
        """Such as `PP-D-27803`."""
        return f"PP-D-{self._random.randrange(10_000, 10_000_000)}"

    def ntp(self) -> str:
        """Nine digits, as NETOPIA calls a payment, in the order in which they are made."""
        self._ntp += 1
        return str(self._ntp)

    def netopia_page(self) -> str:
        """What the address of a payment's page ends with."""
        return self._text(_WIDE, 40)

    def transmission(self) -> str:
        """A UUID, one for each transmission."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def token(self) -> str:
        """An access token."""
        return f"A21AA{self._text(_WIDE, 80)}"

    def _text(self, letters: str, length: int) -> str:
        return "".join(self._random.choices(letters, k=length))
