"""In CI a skipped test fails the run unless `allowed_skips.txt` names it with a reason."""

from pathlib import Path

import pytest

_ALLOWED = Path(__file__).parent / "allowed_skips.txt"


def allowed(text: str) -> tuple[str, ...]:
    """The node id prefixes in lines of the form `prefix: reason`; a line without reason is wrong.

    A node id has colons of its own, so the reason begins after a colon and a space.
    """
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    named = [line.partition(": ") for line in lines]
    for prefix, _, reason in named:
        if not reason.strip():
            raise pytest.UsageError(f"{_ALLOWED.name}: {prefix!r} gives no reason")
    return tuple(prefix.strip() for prefix, _, _ in named)


class Watch:
    """A pytest plugin that notes skips and fails the run for those that nobody has allowed."""

    def __init__(self) -> None:
        self._allowed = allowed(_ALLOWED.read_text())
        self._unseen: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report.nodeid, skipped=report.skipped and not hasattr(report, "wasxfail"))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report.nodeid, skipped=report.skipped)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._unseen and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._unseen:
            return
        terminalreporter.section("skipped without leave", red=True)
        for nodeid in sorted(self._unseen):
            terminalreporter.line(nodeid)
        terminalreporter.line(f"Name them with a reason in {_ALLOWED.name}, or let them run.")

    def _note(self, nodeid: str, *, skipped: bool) -> None:
        if skipped and not nodeid.startswith(self._allowed):
            self._unseen.add(nodeid)
