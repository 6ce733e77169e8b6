"""The small commands: what they print, what they change, and how they end."""

import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.facts import Move
from ledger import migrations
from ledger.access import tokens
from ledger.books import seller
from ledger.settlement import lookups
from ledger.settlement.lookups import Lookup
from ledger.store import Store
from runtime import clock
from tests.builders import a_report, ron
from tests.cli.conftest import Wire
from tests.cli.running import Run
from tests.desk import Desk

SETUP = "setup --name 'Ana SRL' --tax-id RO1 --street 'Str. Lungă 1' --city Cluj"
COMMANDS = [
    "audit",
    "attention",
    "attention resolve 1 --how done",
    "token add crm",
    "token revoke crm",
    SETUP,
    "stop letters --reason x",
    "resume letters",
    "status",
    "events",
    "events show 1",
    "replay 1",
    "why INV-0001",
    "replay --reason x --dry-run",
    "simulate stripe --invoice INV-0001",
]


def _asked(last: str) -> str:
    """What the last word of a command asks for."""
    return last if last[0] == "-" else {"why": "INVOICE"}.get(last, "NAME")


def words(line: str) -> list[str]:
    return shlex.split(line)


@pytest.mark.parametrize(
    "command",
    [
        *("up", "serve", "setup", "migrate", "doctor", "audit", "attention", "attention resolve"),
        *("token", "token add", "token revoke", "simulate", "simulate stripe", "stop", "resume"),
        *("status", "events", "events show", "replay", "why"),
    ],
)
def test_every_command_says_what_it_does(run: Run, command: str):
    ran = run(*words(command), "--help")

    assert ran.code == 0
    said = [line.strip() for line in ran.out.splitlines() if line.strip()]
    assert said[0].startswith("Usage: ")
    assert said[1][0].isupper()
    assert len(said[1].split()) > 3


@pytest.mark.parametrize(
    "command",
    ["audit --nonsense", "token", "token add", "simulate stripe", "setup", "nonsense"],
)
def test_wrong_usage_ends_with_2(run: Run, store: Store, command: str):
    assert run(*words(command)).code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_schema_ends_with_3_and_names_the_fix(run: Run, store: Store, command: str):
    with store.transaction() as books:
        books.run("UPDATE alembic_version SET version_num = 'older'")

    ran = run(*words(command))

    assert ran.code == 3
    assert "incasso migrate" in ran.err


@pytest.mark.parametrize("command", [*COMMANDS, "migrate"])
def test_a_database_that_does_not_answer_is_named_with_the_fix(
    run: Run, wire: Wire, store: Store, command: str
):
    wire(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")

    ran = run(*words(command))

    assert ran.code == 1
    assert "the database does not answer" in ran.err
    assert "make run" in ran.err
    assert "Traceback" not in ran.err


def test_migrate_brings_the_schema_and_then_has_nothing_to_do(run: Run, store: Store):
    with store.transaction() as books:
        books.run("DROP SCHEMA public CASCADE")
        books.run("CREATE SCHEMA public")

    first, second = run("migrate"), run("migrate")

    assert (first.code, second.code) == (0, 0)
    assert first.out == f"The schema went from none to {migrations.newest()}.\n"
    assert second.out == f"The schema is {migrations.newest()} already.\n"
    assert run("audit").code == 0


def test_the_audit_of_right_books_is_content(run: Run, desk: Desk):
    desk.invoice(desk.open())

    assert run("audit").out.startswith("The books are right: ")
    assert run("audit", "--json").json == []


def test_the_audit_of_wrong_books_prints_each_difference_and_ends_with_1(run: Run, desk: Desk):
    invoice = desk.invoice(desk.open())
    with desk.store.transaction() as books:
        books.run("UPDATE invoices SET settled_before_minor = 1")

    shown, told = run("audit"), run("audit", "--json")

    assert (shown.code, told.code) == (1, 1)
    law = "an issued invoice owes its account, and never less than nothing"
    assert [(each["law"], each["subject"]) for each in told.json] == [
        (law, f"invoice:{invoice.id}")
    ]
    assert law in shown.out
    assert f"invoice:{invoice.id}" in shown.out


def test_a_token_is_shown_once_and_lets_in_until_it_is_revoked(run: Run, store: Store):
    token = run("token", "add", "crm").out.strip()
    second = run("token", "add", "crm", "--json").json

    with store.transaction() as books:
        assert tokens.owner(books, token) == "crm"
        assert tokens.owner(books, second["token"]) == "crm"
    assert token != second["token"]
    assert run("token", "revoke", "crm").out == "2 tokens shut out.\n"
    with store.transaction() as books:
        assert tokens.owner(books, token) is None
    assert run("token", "revoke", "crm").code == 1


def test_setup_stores_the_seller_and_corrects_it(run: Run, store: Store):
    iban = "RO49 AAAA 1B31 0075 9384 0000"

    first = run(*words(SETUP), "--iban", iban, "--series", "ABC")
    second = run(*words(SETUP.replace("Ana", "Bogdan")))

    assert (first.code, second.code) == (0, 0)
    with store.transaction() as books:
        stored = seller.find(books)
    assert stored is not None
    assert (stored.name, stored.country, stored.language) == ("Bogdan SRL", "RO", "ro")
    assert (stored.ibans, stored.series) == ([], "INV")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--iban", "RO49AAAA1B31007593840001"),
        ("--country", "XX"),
        ("--language", "xx"),
        ("--series", "A B"),
        ("--series", ""),
        ("--name", " "),
        ("--tax-id", "RO1\n2"),
    ],
)
def test_setup_refuses_what_makes_no_sense_by_its_option(
    run: Run, store: Store, option: str, value: str
):
    ran = run(*words(SETUP), option, value)

    assert ran.code == 1
    assert ran.err.startswith(f"incasso: {option}: ")
    with store.transaction() as books:
        assert seller.find(books) is None


def test_attention_lists_what_waits_until_it_is_resolved(run: Run, desk: Desk):
    invoice = desk.invoice(desk.open())
    desk.deliver([a_report(ron("130.00"), meant_for=invoice.number)])
    desk.settle()

    (waiting,) = run("attention", "--json").json
    shown = run("attention").out
    assert run("attention", "--kind", waiting["kind"], "--json").json == [waiting]
    assert run("attention", "--kind", "loss", "--json").json == []
    resolved = run("attention", "resolve", str(waiting["id"]), "--how", "sent back by hand")

    assert (waiting["kind"], waiting["subject"]) == ("overpaid", "payment:1")
    assert (waiting["currency"], waiting["amount_minor"]) == ("RON", 900)
    assert "9.00 RON" in shown
    assert resolved.code == 0
    assert run("attention", "--json").json == []
    assert run("attention").out == "Nothing needs a person.\n"
    ((resolver, how),) = desk.query("SELECT resolver, how FROM attention")
    assert (resolver.partition(":")[0], how) == ("cli", "sent back by hand")


@pytest.mark.parametrize(
    "command",
    [
        ("attention", "resolve", "1", "--how"),
        ("stop", "letters", "--reason"),
        ("resume", "letters", "--reason"),
        ("events", "--reason"),
        ("replay", "--reason"),
        ("replay", "1", "--how"),
        ("events", "--gateway"),
        ("token", "add"),
        ("token", "revoke"),
        ("simulate", "stripe", "--invoice"),
        ("why",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("said", ["", " ", "two\nlines", "\udcff", "x" * 1001])
def test_what_no_store_or_log_could_hold_is_refused(
    run: Run, store: Store, command: tuple[str, ...], said: str
):
    ran = run(*command, said)

    assert ran.code == 1
    assert ran.err.startswith(f"incasso: {_asked(command[-1])}: ")


def test_what_is_not_open_cannot_be_resolved(run: Run, store: Store):
    ran = run("attention", "resolve", "7", "--how", "done")

    assert ran.code == 1
    assert "7" in ran.err


def test_resolving_a_lookup_that_failed_ends_the_asking_and_the_waiting(run: Run, desk: Desk):
    refund = a_report(ron("5"), reference="ch_1", move=Move.OUT, item="re_1", meant_for=None)
    desk.deliver([replace(refund, is_alias=True)])
    desk.settle()
    with desk.store.transaction() as books:
        lookup = lookups.claim(books, clock.now() + timedelta(minutes=1))
        assert isinstance(lookup, Lookup)
        lookups.refuse(books, lookup, "no key", clock.now())
    (waiting,) = run("attention", "--json").json
    assert (waiting["kind"], waiting["subject"]) == ("lookup_failed", "name:ch_1")

    ran = run("attention", "resolve", str(waiting["id"]), "--how", "booked by hand")

    assert ran.code == 0
    assert desk.query("SELECT state, reason FROM inbox") == [("ignored", "booked by hand")]
    assert desk.query("SELECT state FROM outbox") == [("cancelled",)]
    assert run("audit").code == 0
