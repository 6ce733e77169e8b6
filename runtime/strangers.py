"""Who keeps knocking with what opens nothing: signatures, or tokens of hosted links."""

from collections import Counter

_MOST_ADDRESSES = 10_000


class Strangers:
    """Refusals by address within the present minute; what is genuine is never counted."""

    def __init__(self, most_per_minute: int) -> None:
        self._most = most_per_minute
        self._refusals: Counter[str] = Counter()
        self._minute = 0

    def is_flooding(self, address: str, seconds: float) -> bool:
        """Counts one refusal at an instant of any steady clock; whether it is one too many."""
        minute = int(seconds // 60)
        if minute != self._minute or len(self._refusals) >= _MOST_ADDRESSES:
            self._refusals.clear()
            self._minute = minute
        self._refusals[address] += 1
        return self._refusals[address] > self._most
