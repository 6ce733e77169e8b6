"""What the children of a run do, each in a process of its own.

Imports wait until the work is done: the supervisor knows these functions and does none of them.
"""

import socket
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from cli import pretend
from cli.pretend import Pretended
from domain.errors import Refused


@dataclass(frozen=True, slots=True)
class Ground:
    """Laid for the others to stand on; `invoice` is one to try a payment on, None without any."""

    invoice: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no ground could be laid."""

    code: str
    detail: str


def lay_own_ground(answer: Connection) -> None:
    """Makes a database of our own ready, with the demo when it is empty."""
    _answer(answer, _with_demo)


def lay_given_ground(answer: Connection) -> None:
    """Makes somebody's database ready: nothing is added that was not asked for."""
    _answer(answer, _without_demo)


def web(listening: socket.socket) -> None:
    """Serves webhooks and pages on a socket that stays open while we are started again."""
    from cli.serve import serve_on

    serve_on(listening, "all")


def sandbox(listening: socket.socket, told: Pretended) -> None:
    """Serves the pretend gateways on a socket that stays open while we are started again."""
    from sandbox import running
    from sandbox.options import Options
    from sandbox.world import World

    options = Options(
        webhooks=told.webhooks,
        stripe_key=told.stripe_key,
        stripe_secrets=tuple(told.stripe_secrets),
        paypal_client_id=told.paypal_client_id,
        paypal_client_secret=told.paypal_client_secret,
        paypal_webhook_id=pretend.WEBHOOK_ID,
        ca_file=told.authority,
        mobilpay_signature=pretend.SIGNATURE,
        mobilpay_user=pretend.MOBILPAY_USER,
        mobilpay_password=told.mobilpay_password,
        netopia_api_key=told.netopia_api_key,
        netopia_pos=pretend.POS,
        netopia_key_file=told.netopia_key_file,
        mobilpay_keys=told.mobilpay_keys,
    )
    running.here(World(options, running.address(listening)), listening, lambda: None)


def celery(*arguments: str) -> None:
    """Does what the `celery` command does."""
    from celery.__main__ import main

    # Root is warned because of pickled messages; we accept JSON alone.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser")
    sys.argv = ["celery", "-A", "workers.app", *arguments]
    main()


def hear_workers(addresses: Sequence[str]) -> None:
    """Returns when every worker has answered a ping through the broker."""
    from workers.app import app

    while len(app.control.ping(destination=list(addresses), timeout=0.5)) < len(addresses):
        time.sleep(0.05)


def _answer(answer: Connection, lay: Callable[[], Ground]) -> None:
    try:
        answer.send(lay())
    except Refused as refused:
        answer.send(Refusal(refused.code, refused.detail))


def _with_demo() -> Ground:
    from cli import demo
    from runtime import clock, wiring
    from runtime.settings import settings

    _lay()
    zone = settings().zone
    return Ground(demo.seed(wiring.store(), zone, clock.now().astimezone(zone).date()))


def _without_demo() -> Ground:
    _lay()
    return Ground(None)


def _lay() -> None:
    """Brings the schema up to date, confirms whose money is booked, lets our API token in."""
    from cli import opening
    from ledger import migrations
    from ledger.access import tokens
    from runtime import logs, metrics, wiring
    from runtime.settings import settings

    logs.set_up()
    metrics.forget_past_runs()
    migrations.upgrade(opening.reachable_store())
    wiring.confirm_accounts()
    token = settings().api_token
    assert token is not None
    with wiring.store().transaction() as books:
        tokens.add(books, "incasso up", token.get_secret_value())
