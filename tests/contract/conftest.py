"""Every law runs once for each gateway; one more joins here."""

from collections.abc import Iterator

import pytest

from tests.contract import at_mobilpay, at_netopia, at_paypal, at_piggy, at_stripe, shops
from tests.contract.far_side import Party
from tests.contract.shops import Shop

PARTIES: dict[str, Party] = {
    "stripe": at_stripe.opened,
    "paypal": at_paypal.opened,
    "mobilpay": at_mobilpay.opened,
    "netopia": at_netopia.opened,
    "piggy": at_piggy.opened,
}


@pytest.fixture(params=PARTIES)
def shop(request: pytest.FixtureRequest, fresh_dsn: str) -> Iterator[Shop]:
    """A seller whose customers pay through the gateway, and nobody but them."""
    with PARTIES[request.param]() as far, shops.opened(fresh_dsn, far) as opened:
        yield opened
