"""A worker that is killed loses at most a second of statistics and no count; one that stops loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

import psutil
import pytest

from ratelimit.statistics import reports
from ratelimit.statistics.counts import Statistics
from ratelimit.usage import reports as usage
from tests.faults.load import Caller, Request
from tests.support.people import make_member, make_organization, make_plan, make_token
from tests.support.servers import Server, Servers
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db(transaction=True)
FLUSH_SECONDS = 1.0
# For the thread of a busy machine to get its turn.
LATE_SECONDS = 1.0


@pytest.fixture
def issued() -> Issued:
    return make_token(make_member(make_organization(plan=make_plan("unlimited", None))))


def observed(issued: Issued) -> int:
    token, today = issued.token, datetime.now(UTC).date()
    found = reports.by_day(token.organization_id, [token.pk], today, today)[token.pk]
    return found.get(today, Statistics()).outcomes.ok


def counted(issued: Issued) -> int:
    today = datetime.now(UTC).date()
    return sum(one.calls for one in usage.by_day(issued.token.organization_id, today, today))


def call(server: Server, issued: Issued, until: Callable[[int], object]) -> list[float]:
    """Send requests one after the other, until enough were answered; return when each was."""
    answered: list[float] = []
    with Caller(server) as caller:
        while not until(len(answered)):
            assert caller.ask(Request("whoami", issued.plaintext)).status == 200
            answered.append(monotonic())
    return answered


def test_a_killed_worker_loses_at_most_a_second_of_statistics_and_no_count(
    servers: Servers, issued: Issued
) -> None:
    [server] = servers(1, STATISTICS_SECONDS=str(FLUSH_SECONDS))
    seen: set[int] = set()
    # Three flushes, so that a loss of more than the last second would show.
    answered = call(server, issued, lambda _: seen.add(observed(issued)) or len(seen) == 4)
    answered += call(server, issued, lambda calls: calls == 50)
    killed_at = monotonic()
    for worker in psutil.Process(server.process.pid).children():
        worker.kill()
    lost = len(answered) - observed(issued)
    recent = sum(one > killed_at - FLUSH_SECONDS - LATE_SECONDS for one in answered)
    print(f"Killed worker: {len(answered)} answered, {lost} lost from the statistics, {recent} were recent")
    assert 0 <= lost <= recent
    assert counted(issued) == len(answered)


def test_a_stopped_worker_adds_its_last_statistics(servers: Servers, issued: Issued) -> None:
    [server] = servers(1, STATISTICS_SECONDS="3600")
    call(server, issued, lambda calls: calls == 20)
    assert observed(issued) == 0
    server.stop()
    assert observed(issued) == counted(issued) == 20
