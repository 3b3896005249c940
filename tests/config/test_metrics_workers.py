"""What several worker processes count, reported by each of them, through reloads and crashes."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from shutil import rmtree

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.servers import Server, Servers
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

INTERNAL = "an-internal-token-of-the-scraper-0123456789"
WORKERS = 2
ALONE = {
    "WEB_CONCURRENCY": str(WORKERS),
    "INTERNAL_TOKENS": INTERNAL,
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "DRAIN_SECONDS": "3600",
}


@pytest.fixture
def server(servers: Servers) -> Server:
    return servers(1, WEB_CONCURRENCY=str(WORKERS), INTERNAL_TOKENS=INTERNAL)[0]


@pytest.fixture
def bearer(server: Server) -> str:
    return make_token(make_member(make_organization(plan=make_plan("ten", 10)))).plaintext


def ask(server: Server, path: str, bearer: str) -> tuple[int, str]:
    """Over a connection of its own, so that any worker may take it."""
    with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {bearer}", "Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read().decode()


def scrape(server: Server) -> dict[str, float]:
    status, text = ask(server, "/internal/metrics", INTERNAL)
    assert status == 200
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def grown(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {
        name: after[name] - before[name]
        for name in after
        if name.partition(" ")[0].endswith("_total") and after[name] != before[name]
    }


def folder(server: Server) -> Path:
    opened = (Path(file.path) for worker in workers(server) for file in worker.open_files())
    return next(file.parent for file in opened if file.suffix == ".db")


def kill_workers(server: Server) -> None:
    """Returns when as many new ones run."""
    old = {worker.pid for worker in workers(server)}
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len({worker.pid for worker in workers(server)} - old) == WORKERS)


def workers(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def test_the_counts_of_all_workers_are_what_was_sent(server: Server, bearer: str) -> None:
    before = scrape(server)
    with ThreadPoolExecutor(8) as crowd:
        answers = [*crowd.map(lambda _: ask(server, "/api/auth/whoami", bearer)[0], range(40))]
        crowd.map(lambda _: ask(server, "/api/auth/whoami", bearer[:-1] + "~"), range(7))
    after = scrape(server)
    assert (answers.count(200), answers.count(429)) == (10, 30)
    found = grown(before, after)
    assert found["tessera_requests_total service_account ok"] == 10
    assert found["tessera_requests_total service_account limited"] == 30
    assert found["tessera_requests_total nobody unauthorized"] == 7
    # The scrape before has been counted when it was answered.
    assert found["tessera_requests_total internal ok"] == 1
    assert found["tessera_limiter_decisions_total store admitted"] == 10
    assert found["tessera_limiter_decisions_total store refused"] == 30
    assert (
        sum(found[name] for name in found if "lookups" in name and name.endswith((" sql", " memory"))) == 40
    )
    count = "tessera_request_duration_seconds_count api"
    assert after[count] - before[count] == 48
    assert after["tessera_request_duration_seconds_bucket api +Inf"] == after[count]
    assert (
        after["tessera_request_duration_seconds_sum api"] > before["tessera_request_duration_seconds_sum api"]
    )
    assert after["tessera_store_breaker_open"] == after["tessera_draining"] == 0


def test_what_a_killed_worker_has_counted_stays_counted(server: Server, bearer: str) -> None:
    for _ in range(10):
        ask(server, "/api/auth/whoami", bearer)
    before = scrape(server)
    kill_workers(server)
    after = scrape(server)
    assert grown(before, after) == {"tessera_requests_total internal ok": 1}


def test_a_killed_worker_is_no_longer_in_the_gauges(servers: Servers, bearer: str) -> None:
    [server] = servers(1, **ALONE)
    ask(server, "/api/auth/whoami", bearer)
    assert scrape(server)["tessera_store_breaker_open"] >= 1
    kill_workers(server)
    assert scrape(server)["tessera_store_breaker_open"] == 0


def test_a_worker_killed_before_it_counts_spoils_no_scrape(server: Server) -> None:
    (folder(server) / "counter_1.db").touch()
    assert "tessera_requests_total internal ok" in scrape(server)


def test_a_server_whose_folder_was_cleaned_up_goes_on(servers: Servers) -> None:
    [server] = servers(1, **ALONE)
    try:
        rmtree(folder(server))
        assert "tessera_database_up" in scrape(server)
        kill_workers(server)
        wait_until(lambda: "tessera_requests_total internal ok" in scrape(server))
    finally:
        server.kill()


def test_a_server_about_to_stop_says_so_and_leaves_no_folder(servers: Servers) -> None:
    [server] = servers(1, **ALONE)
    shared = folder(server)
    assert scrape(server)["tessera_draining"] == 0
    server.process.terminate()
    wait_until(lambda: scrape(server)["tessera_draining"] == 1)
    server.stop()
    assert not shared.exists()
