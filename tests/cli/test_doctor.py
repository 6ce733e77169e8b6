"""`incasso doctor`: content when all is well; else each failing part with its fix."""

import pytest
import redis as redis_client

from ledger import accounts, migrations
from ledger.store import Store
from tests import mobilpay_seal
from tests.cli.conftest import Wire
from tests.cli.running import Ran, Run
from tests.desk import Desk


@pytest.fixture
def healthy(desk: Desk) -> Store:
    desk.open()
    return desk.store


def fixes(ran: Ran) -> dict[str, str]:
    """What is to be done, by part."""
    return {each["part"]: each["fix"] for each in ran.json if each["fix"]}


def test_all_is_well_with_a_whole_installation(run: Run, healthy: Store):
    told, shown = run("doctor", "--json"), run("doctor")

    assert (told.code, shown.code) == (0, 0), told.out
    assert fixes(told) == {}
    assert {each["part"] for each in told.json} == {
        *("settings", "database", "schema", "seller", "stripe"),
        *("broker", "broker memory", "broker disk"),
    }
    assert "✓" in shown.out
    assert "✗" not in shown.out


@pytest.mark.parametrize("missing", ["SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"])
def test_a_missing_setting_is_named(run: Run, wire: Wire, healthy: Store, missing: str):
    wire(**{missing: None})

    ran = run("doctor", "--json")

    assert ran.code == 1
    assert list(fixes(ran)) == ["settings"]
    assert missing in ran.json[0]["found"]


def test_an_older_schema_is_to_be_migrated(run: Run, healthy: Store):
    with healthy.transaction() as books:
        books.run("UPDATE alembic_version SET version_num = 'older'")

    ran = run("doctor", "--json")

    assert ran.code == 3
    assert fixes(ran)["schema"] == "run `incasso migrate`"
    assert migrations.newest() in str(ran.json)


def test_an_installation_without_a_seller_is_to_be_set_up(run: Run, store: Store):
    ran = run("doctor", "--json")

    assert ran.code == 1
    assert list(fixes(ran)) == ["seller"]
    assert "incasso setup" in fixes(ran)["seller"]


def test_another_account_than_at_the_first_start_is_refused(run: Run, wire: Wire, healthy: Store):
    with healthy.transaction() as books:
        accounts.confirm(books, "stripe", "own/test")
    wire(STRIPE_ACCOUNT="acct_2")

    ran = run("doctor", "--json")

    assert ran.code == 1
    assert list(fixes(ran)) == ["stripe"]


def test_looking_notes_no_account(run: Run, desk: Desk, healthy: Store):
    run("doctor")

    assert desk.query("SELECT count(*) FROM accounts") == [(0,)]


def test_a_database_that_does_not_answer_is_named_and_the_rest_still_looked_at(
    run: Run, wire: Wire, healthy: Store
):
    wire(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")

    ran = run("doctor", "--json")

    assert ran.code == 1
    assert "make run" in fixes(ran)["database"]
    assert "broker" in {each["part"] for each in ran.json if not each["fix"]}


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "redis+socket:///nowhere/redis.sock"])
def test_a_broker_that_does_not_answer_is_named(run: Run, wire: Wire, healthy: Store, address: str):
    wire(BROKER_URL=address)

    ran = run("doctor", "--json")

    assert ran.code == 1
    assert "make run" in fixes(ran)["broker"]


@pytest.mark.parametrize(
    ("part", "setting", "wrong"),
    [
        ("broker memory", "maxmemory_policy", "allkeys-lru"),
        ("broker disk", "aof_enabled", 0),
    ],
)
def test_a_forgetful_broker_is_named(
    run: Run,
    healthy: Store,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    setting: str,
    wrong: object,
):
    told = redis_client.Redis.info
    monkeypatch.setattr(redis_client.Redis, "info", lambda self: told(self) | {setting: wrong})

    ran = run("doctor", "--json")

    assert ran.code == 1
    assert list(fixes(ran)) == [part]


@pytest.mark.parametrize(
    ("address", "fixed"),
    [("https://pay.example", []), ("http://pay.example:8000", ["mobilpay address"])],
)
def test_mobilpay_must_find_us_on_a_port_that_it_calls(
    address: str, fixed: list[str], run: Run, wire: Wire, healthy: Store
):
    wire(
        MOBILPAY_SIGNATURE=mobilpay_seal.SIGNATURE,
        MOBILPAY_PRIVATE_KEY=mobilpay_seal.pem("ours"),
        BASE_URL=address,
    )

    ran = run("doctor", "--json")

    assert list(fixes(ran)) == fixed
    assert ran.code == (1 if fixed else 0)
    assert "MOBILPAY_PUBLIC_CERT" in str(ran.json)
    assert "MOBILPAY_API_USER" in str(ran.json)
