"""`incasso stop` and `incasso resume`: what they change, and what they say."""

import pytest

from tests.cli.conftest import Wire
from tests.cli.running import Run
from tests.desk import Desk
from workers.app import app


def stopped(desk: Desk) -> list[tuple]:  # type: ignore[type-arg]
    return desk.query("SELECT what, reason FROM stops ORDER BY what")


@pytest.mark.parametrize("what", ["letters", "settling"])
def test_what_is_stopped_stands_still_until_it_is_resumed(run: Run, desk: Desk, what: str):
    began = run("stop", what, "--reason", "the books are looked at")
    again = run("stop", what, "--reason", "another reason")

    assert (began.code, again.code) == (0, 0)
    assert f"incasso resume {what}" in began.out
    assert "already" in again.out
    assert stopped(desk) == [(what, "the books are looked at")]
    ended, over = run("resume", what, "--reason", "all is well"), run("resume", what)
    assert (ended.code, over.code) == (0, 0)
    assert ended.out == f"Resumed {what}.\n"
    assert "was not stopped" in over.out
    assert stopped(desk) == []
    assert [
        (act, actor.partition(":")[0], reason)
        for act, actor, reason in desk.query("SELECT act, actor, reason FROM journal ORDER BY id")
    ] == [("stop", "cli", "the books are looked at"), ("resume", "cli", "all is well")]


@pytest.mark.parametrize(
    "command",
    ["stop letters", "stop", "stop everything --reason x", "stop webhooks --reason x", "resume"],
)
def test_wrong_usage_stops_nothing(run: Run, desk: Desk, command: str):
    ran = run(*command.split())

    assert ran.code == 2
    assert stopped(desk) == []


def test_the_help_says_what_cannot_be_stopped(run: Run):
    said = " ".join(run("stop", "--help").out.split())

    assert "the intake never stops" in said
    assert "within 5 seconds" in said


def test_settling_is_resumed_without_a_broker_too(
    run: Run, desk: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    for broker_url in (None, "redis://127.0.0.1:1/0"):
        run("stop", "settling", "--reason", "x")
        wire(BROKER_URL=broker_url)
        monkeypatch.setattr(app.conf, "broker_url", broker_url)

        assert run("resume", "settling").code == 0
        assert stopped(desk) == []
