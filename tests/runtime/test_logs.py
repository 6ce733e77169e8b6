"""No secret and no personal data reaches a log, whichever library wrote the line."""

import json
import logging

import pytest
import structlog

from runtime import logs
from runtime.settings import settings

SENSITIVE = {
    "an e-mail": "ana.pop+test@mail.example.ro",
    "a webhook secret": "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH",
    "an API key": "sk_live_51H8abcdEFGHijkl",
    "a restricted key": "rk_test_51H8abcdEFGHijkl",
    "an IBAN": "RO49AAAA1B31007593840000",
    "a spaced IBAN": "RO49 AAAA 1B31 0075 9384 0000",
    "a German IBAN": "DE89370400440532013000",
    "a card": "4242424242424242",
    "a spaced card": "4242 4242 4242 4242",
    "a dashed card": "5555-5555-5555-4444",
    "a bearer token": "Bearer dGhpcyBpcyBhIHRva2Vu",
    "a password in an address": "postgresql://incasso:s3cret@db:5432/incasso",
    "a password without a user": "redis://:s3cret@broker:6379/0",
    "the row of a database error": "DETAIL:  Failing row contains (1, Ana Pop, Str. Lungă 1).",
}

PLAIN = [
    "evt_1SxTestCheckoutDone01",
    "pi_3SxTestInv20260001",
    "INV-2026-0001",
    "batch 1234567890123 took 12.5 ms",
    "2026-11-21T01:18:46.183903Z",
    "postgresql://incasso@/incasso?host=/run/x",
    "http://127.0.0.1:8000/webhooks/stripe",
]


def redacted(**event: object) -> dict[str, object]:
    return dict(logs.redact(None, "info", dict(event)))


@pytest.mark.parametrize("text", SENSITIVE.values(), ids=SENSITIVE.keys())
def test_what_looks_secret_or_personal_is_masked_wherever_it_stands(text: str):
    found = redacted(event=f"before {text}, after", detail={"deep": [f"<{text}>"]})

    assert str(found).count("[redacted]") == 2
    assert text not in str(found)
    for part in ("s3cret", "Ana Pop", "dGhpcy"):
        assert part not in str(found)


@pytest.mark.parametrize("text", PLAIN)
def test_our_own_names_stay_readable(text: str):
    assert redacted(event=text) == {"event": text}


def test_what_is_known_to_be_secret_or_personal_is_dropped():
    found = redacted(
        event="kept", email="x", name="Ana", iban="y", raw=b"z", secret="s", inner={"token": "t"}
    )

    assert found == {"event": "kept", "inner": {}}


@pytest.mark.parametrize("form", ["json", "text"])
def test_every_library_writes_in_one_redacted_form(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("LOG_FORMAT", form)
    settings.cache_clear()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logs.set_up()
        structlog.get_logger("ours").info("batch_settled", batch=7, payer="ana@example.ro")
        logging.getLogger("celery.worker").warning("lost %s", "ana@example.ro")
        logging.getLogger("uvicorn.access").info("GET /pay/secret-token")
        try:
            raise ValueError("for ana@example.ro")
        except ValueError:
            logging.getLogger("uvicorn.error").exception("broke")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
        structlog.reset_defaults()
        settings.cache_clear()

    lines = capsys.readouterr().err
    assert "ana@" not in lines
    assert "secret-token" not in lines
    assert "ValueError" in lines
    if form == "json":
        ours, celery, broke = map(json.loads, lines.splitlines())
        assert (ours["event"], ours["batch"], ours["logger"]) == ("batch_settled", 7, "ours")
        assert (celery["event"], celery["level"]) == ("lost [redacted]", "warning")
        assert broke["event"] == "broke"
