"""A sandbox, somebody who takes its deliveries, and a customer at each gateway."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox import running
from sandbox.options import Options
from sandbox.running import Running
from tests.sandbox.customers import SECRETS, AtPaypal, AtStripe
from tests.sandbox.listening import Listener, listening
from tests.sandbox.mobilpay_customers import AtMobilpay
from tests.sandbox.netopia_customers import AtNetopia


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def sandbox(listener: Listener) -> Iterator[Running]:
    options = Options(
        listener.url, stripe_secrets=SECRETS, seed=7, retry_scale=0.00001, settle_seconds=0.02
    )
    with running.beside(options) as sandbox:
        yield sandbox


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    """It follows no redirect by itself, and takes no proxy."""
    with httpx.Client(trust_env=False) as browser:
        yield browser


@pytest.fixture
def at_stripe(sandbox: Running, browser: httpx.Client) -> AtStripe:
    return AtStripe(sandbox, browser)


@pytest.fixture
def at_paypal(sandbox: Running, browser: httpx.Client) -> AtPaypal:
    return AtPaypal(sandbox, browser)


@pytest.fixture
def at_mobilpay(sandbox: Running, browser: httpx.Client, listener: Listener) -> AtMobilpay:
    return AtMobilpay(sandbox, browser, listener)


@pytest.fixture
def at_netopia(sandbox: Running, browser: httpx.Client, listener: Listener) -> AtNetopia:
    return AtNetopia(sandbox, browser, listener)
