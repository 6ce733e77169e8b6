"""A customer's phone and an `incasso up` that he meets: the system's Chromium, real processes.

Both are of one module, not of the session: while Playwright is open, its event loop counts as
running in this thread, and no test beside it could start one of its own.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.browser.shop import Customer, Shop
from tests.cli.test_up import running

_PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """What `make run` starts, pretend gateways and all."""
    with running(tmp_path_factory.mktemp("up")) as up:
        opened = Shop(up)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; in CI a machine without it fails (tests/skips.py)."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("NO BROWSER: `apt-get install chromium` lets a customer walk through the pages")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, headless=True, args=[*as_root, "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture
def customer(browser: Browser, shop: Shop, tmp_path: Path) -> Iterator[Callable[..., Customer]]:
    """Makes customers, each with an invoice, its link and a phone of 390 px."""
    context = browser.new_context(viewport=_PHONE, device_scale_factor=2, is_mobile=True)
    context.set_default_timeout(60_000)

    def made(name: str, currency: str, price: str) -> Customer:
        return Customer(shop, context.new_page(), shop.billed(name, currency, price), tmp_path)

    yield made
    context.close()
