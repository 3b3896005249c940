"""Secrets found in public: revoked or only mailed by the organization's policy, once, and never repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import OperationalError
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Notice, Organization
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.notices import round_at
from tests.support.people import actor, make_member, make_token
from tests.support.threads import at_once
from tests.tokens.oauth.calls import ask, make_program
from tokens.crypto import opaque
from tokens.models import ClientSecret, ServiceAccountToken, Status, TokenSecret
from tokens.oauth import clients
from tokens.service_accounts.issue import Issued
from tokens.service_accounts.leak import UNNAMED, report
from tokens.service_accounts.revoke import revoke

pytestmark = pytest.mark.django_db
URL = "https://git.example.com/shop/blob/main/.env?token=1"


@pytest.fixture
def made(owner: Membership) -> Issued:
    issued = make_token(owner, "deploy", ["tokens.manage", "index:read:*"])
    Notice.objects.all().delete()
    return issued


def notify_only() -> None:
    Organization.objects.update(leaked_tokens="notify")


def status_of(bearer: str) -> int:
    return int(program(bearer).get("/api/v1/identity").status_code)


def events(action: str) -> list[dict[str, object]]:
    return list(
        AuditEvent.objects.filter(action=action).order_by("sequence").values_list("changes", flat=True)
    )


def superseded(made: Issued, ends_in: timedelta) -> str:
    """Add the secret that a rotation replaced; its overlap ends then."""
    earlier, now = opaque.new(), timezone.now()
    TokenSecret.objects.create(
        token=made.token,
        digest=earlier.digest,
        prefix=earlier.prefix,
        last_four=earlier.last_four,
        created_at=made.token.created_at - timedelta(days=1),
        superseded_at=now - timedelta(days=1),
        valid_until=now + ends_in,
    )
    return earlier.plaintext


def test_a_valid_token_is_revoked_with_what_it_created(made: Issued) -> None:
    body = {"name": "child", "permissions": ["index:read:*"]}
    child = program(made).post("/api/v1/tokens", body).json()["token"]
    assert status_of(made.plaintext) == status_of(child) == 200
    report(secret=made.plaintext, source="GitHub (commit)", url=URL)
    assert status_of(made.plaintext) == status_of(child) == 401
    token = ServiceAccountToken.objects.with_people().get(pk=made.token.pk)
    assert token.status(timezone.now()) is Status.LEAKED
    assert token.revoked_reason == "Found in public: GitHub (commit)"
    assert (token.leaked_at, token.leak_source) == (token.revoked_at, "GitHub (commit)")
    assert events("token.leaked") == [
        {
            "source": "GitHub (commit)",
            "host": "git.example.com",
            "lastFour": made.plaintext[-4:],
            "policy": "revoke",
            "outcome": "revoked",
        }
    ]
    assert {one.changes["reason"] for one in AuditEvent.objects.filter(action="token.revoked")} == {
        "Found in public: GitHub (commit)",
        "The token that created it was revoked",
    }


@pytest.mark.parametrize("ends_in", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_superseded_secret_ends_alone(made: Issued, ends_in: timedelta) -> None:
    earlier = superseded(made, ends_in)
    is_valid = ends_in > timedelta(0)
    assert status_of(earlier) == (200 if is_valid else 401)
    for _ in range(2):
        report(secret=earlier, source="paste")
    assert (status_of(made.plaintext), status_of(earlier)) == (200, 401)
    assert [one["outcome"] for one in events("token.leaked")] == ["rotated"]
    assert events("token.rotation_finished") == ([{"ended": earlier[-4:]}] if is_valid else [])
    assert ServiceAccountToken.objects.get().leaked_at is None
    subjects = [subject for _, subject in round_at(timezone.now())]
    assert "Earlier secret of an API token found in public: deploy" in subjects


def test_the_policy_notify_leaves_a_superseded_secret_valid(made: Issued) -> None:
    notify_only()
    earlier = superseded(made, timedelta(hours=1))
    report(secret=earlier, source="paste")
    assert (status_of(made.plaintext), status_of(earlier)) == (200, 200)
    assert [one["outcome"] for one in events("token.leaked")] == ["notified"]


def test_the_policy_notify_leaves_the_token_valid_and_marks_it(made: Issued) -> None:
    notify_only()
    report(secret=made.plaintext, source="paste")
    assert status_of(made.plaintext) == 200
    token = ServiceAccountToken.objects.with_people().get()
    assert (token.status(timezone.now()), token.leak_source) == (Status.ACTIVE, "paste")
    assert [one["outcome"] for one in events("token.leaked")] == ["notified"]
    assert events("token.revoked") == []


def test_a_repeated_report_changes_nothing(made: Issued) -> None:
    notify_only()
    for source in ("first", "second"):
        report(secret=made.plaintext, source=source)
    assert ServiceAccountToken.objects.get().leak_source == "first"
    assert len(events("token.leaked")) == Notice.objects.count() == 1


def test_a_report_after_the_policy_became_revoke_revokes(made: Issued) -> None:
    notify_only()
    report(secret=made.plaintext, source="first")
    Organization.objects.update(leaked_tokens="revoke")
    for _ in range(2):
        report(secret=made.plaintext, source="second")
    assert status_of(made.plaintext) == 401
    assert [one["outcome"] for one in events("token.leaked")] == ["notified", "revoked"]


def test_a_rotated_token_that_leaks_again_is_marked_again(made: Issued) -> None:
    notify_only()
    ServiceAccountToken.objects.update(
        leaked_at=made.token.created_at - timedelta(hours=1), leak_source="long ago"
    )
    report(secret=made.plaintext, source="again")
    assert ServiceAccountToken.objects.get().leak_source == "again"


def test_a_token_that_had_ended_is_not_marked_and_its_owners_are_mailed_once(
    owner: Membership, made: Issued
) -> None:
    revoke(token=made.token, actor=actor(owner), reason="unneeded")
    for _ in range(2):
        report(secret=made.plaintext, source="paste")
    token = ServiceAccountToken.objects.get()
    assert (token.leaked_at, token.revoked_reason) == (None, "unneeded")
    assert [one["outcome"] for one in events("token.leaked")] == ["ended"]
    assert [subject for _, subject in round_at(timezone.now())] == [
        "Former API token found in public: deploy"
    ]


@pytest.mark.parametrize("secret", ["", "x", "tsr_sa_", "tsr_sa_" + "A" * 43, "A" * 64, "\N{PILE OF POO}"])
def test_any_other_text_is_no_secret(made: Issued, secret: str) -> None:
    report(secret=secret, source="paste")
    assert status_of(made.plaintext) == 200
    assert not Notice.objects.exists()
    assert events("token.leaked") == []


def test_owners_and_the_responsible_member_are_mailed_without_the_secret(owner: Membership) -> None:
    admin = make_member(owner.organization, Role.ADMIN)
    make_member(owner.organization, Role.ADMIN)
    made = make_token(admin, "deploy")
    Notice.objects.all().delete()
    report(secret=made.plaintext, source="www.evil.example", url=URL)
    subject = "API token found in public and revoked: deploy"
    assert round_at(timezone.now()) == sorted((one.user.email, subject) for one in (owner, admin))
    body = str(mail.outbox[-1].body)
    assert f"tsr_sa_…{made.plaintext[-4:]}" in body
    assert f"/settings/tokens/{made.token.public_id}/" in body
    assert "www.evil.example" not in body
    assert made.plaintext[7:-4] not in str(mail.outbox[-1].message())


@pytest.mark.parametrize("form", ["see {}", "{}", "https://{}.example/"])
def test_a_secret_in_the_source_or_the_host_is_not_kept(made: Issued, form: str) -> None:
    text = form.format(made.plaintext)
    report(secret=made.plaintext, source=text[:100], url=text if "//" in text else f"https://{text}.example")
    [changes] = events("token.leaked")
    assert (changes["source"], changes["host"]) == (UNNAMED, "")
    kept = str(
        [*ServiceAccountToken.objects.values(), *Notice.objects.values(), *AuditEvent.objects.values()]
    )
    assert made.plaintext[7:-4].lower() not in kept.lower()


@pytest.mark.parametrize("url", ["", "no address", "https://[::1", "https://a b.example/", "//\u2028x/"])
def test_an_address_without_a_plain_host_is_left_out(made: Issued, url: str) -> None:
    report(secret=made.plaintext, source="paste", url=url)
    assert [one["host"] for one in events("token.leaked")] == [""]


def test_a_client_secret_ends_with_what_it_opened(owner: Membership) -> None:
    importer = make_program(owner)
    later = clients.rotate_secret(client=importer.row, actor=actor(owner)).plaintext
    access = importer.grant()["access_token"]
    report(secret=later, source="paste")
    assert status_of(access) == 401
    assert list(ClientSecret.objects.values_list("last_four", flat=True)) == [importer.secret[-4:]]
    assert ask(grant_type="client_credentials", **importer.body).status_code == 200
    assert [one["outcome"] for one in events("client.secret_leaked")] == ["revoked"]
    subjects = {subject for _, subject in round_at(timezone.now())}
    assert "OAuth client secret found in public and revoked: Importer" in subjects


def test_the_policy_notify_leaves_a_client_secret_valid(owner: Membership) -> None:
    notify_only()
    importer = make_program(owner)
    for _ in range(2):
        report(secret=importer.secret, source="paste")
    assert ask(grant_type="client_credentials", **importer.body).status_code == 200
    assert [one["outcome"] for one in events("client.secret_leaked")] == ["notified"]


@pytest.mark.django_db(transaction=True)
def test_of_many_reports_at_once_one_revokes_and_mails() -> None:
    owner = make_member()
    made = make_token(owner)
    Notice.objects.all().delete()
    results = at_once([lambda: report(secret=made.plaintext, source="paste")] * 8)
    assert results == [None] * 8
    assert len(events("token.leaked")) == len(events("token.revoked")) == Notice.objects.count() == 1


def test_a_failure_leaves_no_half_done_report(made: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr("tokens.audit.token_events.leaked", broken)
    with pytest.raises(OperationalError):
        report(secret=made.plaintext, source="paste")
    token = ServiceAccountToken.objects.get()
    assert (token.leaked_at, token.revoked_at, Notice.objects.count()) == (None, None, 0)
