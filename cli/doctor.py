"""`incasso doctor`: looks at everything a run needs; what is wrong is named with its fix."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import opening, shapes
from domain.errors import Refused, TryLater
from ledger import checkup, migrations
from ledger.books import seller
from runtime import wiring
from runtime.settings import settings

FAILED = 1
WRONG_SCHEMA = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One part and how it is; `fix` is None when it is well."""

    part: str
    found: str
    fix: str | None = None
    code: int = FAILED

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be done."""
        return self.fix is None


def doctor(as_json: shapes.AsJson = False) -> None:
    """Check settings, database, broker and accounts; whatever is wrong is shown with its fix."""
    findings = [finding for check in _CHECKS for finding in _checked(check)]
    if as_json:
        told = ("part", "found", "fix")
        shapes.as_json([{name: getattr(finding, name) for name in told} for finding in findings])
    else:
        _show(findings)
    wrong = [finding.code for finding in findings if not finding.is_well]
    if wrong:
        raise typer.Exit(max(wrong))


def _checked(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """The findings of one check; one that cannot be made says why."""
    findings: list[Finding] = []
    try:
        findings.extend(check())
    except Refused as refused:
        findings.append(Finding(_part(check), "cannot be checked", refused.detail))
    except TryLater as busy:
        findings.append(Finding(_part(check), str(busy), "try again"))
    return findings


def _settings() -> Iterator[Finding]:
    given = {
        "DATABASE_URL": settings().database_url,
        "BROKER_URL": settings().broker_url,
        "STRIPE_WEBHOOK_SECRETS": settings().stripe_secrets,
        "SECRET_KEY": settings().secret_key,
    }
    missing = [name for name, value in given.items() if not value]
    if missing:
        yield Finding(
            "settings",
            f"{', '.join(missing)} not set",
            "start with `make run`, which sets them up, or set them as .env.example shows",
        )
    else:
        yield Finding("settings", f"complete; {settings().timezone}")


def _database() -> Iterator[Finding]:
    store = opening.reachable_store()
    with store.snapshot() as books:
        version = checkup.server_version(books)
    if int(version.partition(".")[0]) < checkup.OLDEST_SERVER:
        fix = f"use PostgreSQL {checkup.OLDEST_SERVER} or newer"
        yield Finding("database", f"PostgreSQL {version} is too old", fix)
    else:
        yield Finding("database", f"PostgreSQL {version} answers")
    present, needed = migrations.present(store), migrations.newest()
    if present == needed:
        yield Finding("schema", f"{present}, as this version needs it")
    else:
        found = f"{present or 'none'}, this version needs {needed}"
        yield Finding("schema", found, "run `incasso migrate`", WRONG_SCHEMA)


def _books() -> Iterator[Finding]:
    with opening.store().snapshot() as books:
        noted, has_seller = checkup.noted_accounts(books), seller.find(books) is not None
    if has_seller:
        yield Finding("seller", "is set up")
    else:
        yield Finding("seller", "nobody sells yet", "run `incasso setup` with your company's data")
    for gateway in wiring.gateways().values():
        before = noted.get(gateway.name, gateway.account)
        if before == gateway.account:
            yield Finding(gateway.name, f"books the money of {gateway.account}")
        else:
            fix = "set the account and the mode of the key back, or use a new database"
            found = f"the settings say {gateway.account}, the database books {before}"
            yield Finding(gateway.name, found, fix)


def _mobilpay() -> Iterator[Finding]:
    """What MobilPay needs besides its keys, once it is there."""
    given = settings()
    if not given.mobilpay_signature:
        return
    if not given.mobilpay_public_cert:
        yield Finding("mobilpay page", "nobody can pay by it: MOBILPAY_PUBLIC_CERT is not set")
    if not (given.mobilpay_api_user and given.mobilpay_api_password):
        missing = "MOBILPAY_API_USER or MOBILPAY_API_PASSWORD is not set"
        yield Finding("mobilpay refunds", f"by hand, in its panel: {missing}")
    is_live = wiring.gateways()["mobilpay"].account.endswith("/live")
    if is_live and _port(given.base_url) not in (80, 443):
        fix = "set BASE_URL to the address that the world sees"
        yield Finding("mobilpay address", "MobilPay calls ports 80 and 443 alone", fix)


def _port(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _broker() -> Iterator[Finding]:
    told = _told_by_broker()
    yield Finding("broker", f"Redis {told['redis_version']} answers")
    policy = told["maxmemory_policy"]
    if policy == "noeviction":
        yield Finding("broker memory", "never drops what is queued")
    else:
        fix = "set maxmemory-policy noeviction"
        yield Finding("broker memory", f"may drop what is queued ({policy})", fix)
    if told["aof_enabled"]:
        yield Finding("broker disk", "keeps what is queued")
    else:
        yield Finding("broker disk", "forgets what is queued when it stops", "set appendonly yes")


def _told_by_broker() -> Mapping[str, Any]:
    """What Redis says of itself."""
    from kombu.connection import Connection
    from kombu.exceptions import OperationalError

    patience = {"socket_timeout": 3, "socket_connect_timeout": 3}
    with Connection(wiring.broker_url(), transport_options=patience) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=3)
            told: Mapping[str, Any] = connection.default_channel.client.info()
        except (OperationalError, *connection.connection_errors) as error:
            raise Refused(
                "no_broker",
                f"it does not answer ({error}): start everything with `make run`, or set"
                " BROKER_URL",
            ) from error
    return told


_CHECKS = (_settings, _database, _books, _mobilpay, _broker)


def _part(check: Callable[[], Iterator[Finding]]) -> str:
    return check.__name__.lstrip("_")


def _show(findings: list[Finding]) -> None:
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        mark = Text("✓", "green") if finding.is_well else Text("✗", "red")
        table.add_row(mark, finding.part, Text(finding.found))
        if finding.fix:
            table.add_row("", "", Text(f"→ {finding.fix}", "yellow"))
    Console().print(table)
