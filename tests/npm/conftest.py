"""Sees to it that the packages are there; in CI a run without them fails (tests/skips.py)."""

import pytest

from tests.npm import packages


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """Skips what cannot be tried without a network."""
    try:
        packages.install()
    except packages.NotInstalled as problem:
        pytest.skip(f"NO NPM PACKAGES: run this once where npm's registry answers; {problem}")
