"""Errors travel between processes whole: a worker's parent reads what its child raised."""

import pickle
from datetime import timedelta

import pytest

from domain.errors import Refused, TryLater, Untrusted


@pytest.mark.parametrize(
    "error",
    [Refused("code", "detail"), TryLater(timedelta(seconds=3), "busy"), Untrusted("forged")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling(error):
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)
