"""Three families of errors, because the edges react in three ways; anything else is our own bug."""

from datetime import timedelta


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """The asker is wrong: a 4xx problem document, or a dead row with attention.

    `code` is stable and machine-readable; `detail` says what is wrong and what would be right.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class TryLater(Exception):  # noqa: N818
    """The world is busy: retry after a while, or answer 503."""

    def __init__(self, after: timedelta, detail: str) -> None:
        super().__init__(after, detail)
        self.after = after
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class Untrusted(Exception):  # noqa: N818
    """Forged or unreadable: nothing is kept but a counter, and the sender never learns why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
