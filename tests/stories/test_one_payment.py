"""The main job on real processes: deliveries come in, one payment comes out, whatever dies."""

import random
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.desk import Desk
from tests.stories.plant import Plant
from tests.stories.proxy import Proxy
from tests.stripe_events import sisters

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("stories")]


def test_sister_events_twenty_times_each_at_once_make_one_payment(plant: Plant, desk: Desk):
    invoice = desk.invoice(desk.open())
    plant.start_all()
    plant.start_worker("second")
    bodies = [body for body in sisters("1", 12100, str(invoice.number)) for _ in range(20)]
    random.shuffle(bodies)

    answers = plant.post_all(bodies)
    plant.wait_until_settled(desk)

    assert answers == [200] * 60
    assert desk.query("SELECT state, count(*) FROM inbox GROUP BY state") == [("done", 3)]
    assert [payment.amount_minor for payment in desk.payments()] == [12100]
    assert [kind for kind, *_ in desk.postings()] == ["issue", "receive", "allocate"]
    assert not desk.standing(invoice.id).is_open
    assert desk.query("SELECT DISTINCT state FROM reminders") == [("cancelled",)]
    assert desk.differences() == []


def test_a_worker_killed_in_mid_batch_loses_and_doubles_nothing(plant: Plant, desk: Desk):
    client = desk.open()
    invoices = [desk.invoice(client) for _ in range(10)]
    plant.start_all()
    kills = 0

    for round_ in range(3):
        with desk.store.transaction() as books:  # whoever settles now waits for this lock
            books.run("SELECT FROM invoices ORDER BY id FOR NO KEY UPDATE")
            bodies = [
                body
                for invoice in invoices
                for body in sisters(f"{round_}_{invoice.id}", 4000, str(invoice.number))
            ]
            assert plant.post_all(bodies) == [200] * 30
            plant.wait_for(lambda: _is_waiting_for_a_lock(desk), "a batch in mid-work")
            plant.kill("money")
            kills += 1
        assert desk.query("SELECT count(*) > 0 FROM tries") == [(True,)]
        plant.start_worker("money")
    healed_seconds = plant.wait_until_settled(desk)

    assert kills == 3
    assert len(desk.payments()) == 30
    assert {desk.standing(invoice.id).paid_minor for invoice in invoices} == {12000}
    assert desk.query("SELECT count(*) FROM inbox WHERE state <> 'done'") == [(0,)]
    assert desk.differences() == []
    assert healed_seconds < 60


def test_redis_killed_under_load_loses_nothing(plant: Plant, desk: Desk):
    invoice = desk.invoice(desk.open(), "100000")
    plant.start_all()
    bodies = [b for n in range(40) for b in sisters(f"r{n}", 100, str(invoice.number))]

    before = plant.post_all(bodies[:40])
    plant.redis.kill()
    during = plant.post_all(bodies[40:80])
    time.sleep(1)
    plant.redis.start()
    after = plant.post_all(bodies[80:])
    healed_seconds = plant.wait_until_settled(desk)

    assert before + during + after == [200] * 120
    assert desk.standing(invoice.id).paid_minor == 40 * 100
    assert len(desk.payments()) == 40
    assert desk.differences() == []
    assert healed_seconds < 60


def test_an_intake_killed_between_commit_and_answer_is_healed_by_the_retry(
    plant: Plant, desk: Desk
):
    invoice = desk.invoice(desk.open())
    socket_folder = plant.dsn.partition("host=")[2].partition("&")[0]
    proxy = Proxy(Path(socket_folder) / ".s.PGSQL.5432")
    plant.start_web(dsn=f"postgresql://incasso@127.0.0.1:{proxy.port}/incasso")
    plant.start_worker("money")
    plant.start_beat()
    plant.wait_for(plant.is_web_ready, "the web")
    warm_up, body, _ = sisters("k", 12100, str(invoice.number))
    assert plant.post(warm_up) == 200  # the line to the database is open, its statement prepared
    plant.wait_until_settled(desk)
    cut_off: list[BaseException] = []

    def deliver() -> None:
        try:
            plant.post(body)
        except httpx.TransportError as error:
            cut_off.append(error)

    proxy.hold_answers()
    sender = threading.Thread(target=deliver)
    sender.start()
    plant.wait_for(lambda: desk.query("SELECT count(*) FROM inbox") == [(2,)], "the commit")
    plant.kill("web")
    sender.join()
    proxy.close()
    plant.start_web()
    plant.wait_for(plant.is_web_ready, "the web")
    retried = plant.post(body)
    plant.wait_until_settled(desk)

    assert len(cut_off) == 1  # the gateway never heard that its event was kept
    assert retried == 200
    assert desk.query("SELECT state, count(*) FROM inbox GROUP BY state") == [("done", 2)]
    assert [payment.amount_minor for payment in desk.payments()] == [12100]
    assert not desk.standing(invoice.id).is_open
    assert desk.differences() == []


def _is_waiting_for_a_lock(desk: Desk) -> bool:
    return desk.query(
        "SELECT count(*) > 0 FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND query LIKE '%FROM invoices%'"
    ) == [(True,)]


def test_what_workers_settle_shows_at_the_one_metrics_address(plant: Plant, desk: Desk):
    invoice = desk.invoice(desk.open())
    plant.start_all()

    assert plant.post_all(sisters("m", 12100, str(invoice.number))) == [200] * 3
    plant.wait_until_settled(desk)

    def figures() -> dict[str, float]:
        shown = httpx.get(f"http://127.0.0.1:{plant.metrics_port}/metrics").text
        lines = (line.rsplit(" ", 1) for line in shown.splitlines() if line[0] != "#")
        return {name: float(value) for name, value in lines}

    plant.wait_for(lambda: figures().get("incasso_settle_rows_sum") == 3, "the worker's figures")
    assert figures()['incasso_accepted_total{gateway="stripe"}'] == 3
    assert figures()['incasso_inbox_rows{state="received"}'] == 0
