"""A token stops with the membership it hangs on, whichever way that ends, and nothing revives it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import errors
from accounts.members import removal
from accounts.models import Membership, User
from accounts.permissions.roles import Role
from tests.support.people import actor, browser_of, make_member, make_organization, make_token, make_user
from tokens.credentials import token_lookup
from tokens.credentials.credential import Credential
from tokens.models import ServiceAccountToken, Status
from tokens.models.service_account import DEACTIVATED, REMOVED
from tokens.service_accounts.issue import Issued

pytestmark = pytest.mark.django_db
End = Callable[[Membership], object]


def root() -> Client:
    return browser_of(make_user(is_staff=True, is_superuser=True))


def delete(member: Membership) -> None:
    member.delete()


def delete_queryset(member: Membership) -> None:
    Membership.objects.filter(pk=member.pk).delete()


def delete_user(member: Membership) -> None:
    member.user.delete()


def delete_user_queryset(member: Membership) -> None:
    User.objects.filter(pk=member.user_id).delete()


def admin_single(member: Membership) -> None:
    root().post(reverse("admin:accounts_membership_delete", args=[member.pk]), {"post": "yes"})


def admin_bulk(member: Membership) -> None:
    form = {"action": "delete_selected", "_selected_action": member.pk, "post": "yes"}
    root().post(reverse("admin:accounts_membership_changelist"), form)


def admin_user(member: Membership) -> None:
    root().post(reverse("admin:accounts_user_delete", args=[member.user_id]), {"post": "yes"})


def deactivate(member: Membership) -> None:
    member.user.is_active = False
    member.user.save()


def deactivate_one_field(member: Membership) -> None:
    member.user.is_active = False
    member.user.save(update_fields=["is_active"])


def deactivate_flow(member: Membership) -> None:
    owner = actor(make_member())
    removal.deactivate(users=User.objects.filter(pk=member.user_id), actor=owner)


def admin_deactivate(member: Membership) -> None:
    form = {"action": "deactivate", "_selected_action": member.user_id, "confirmed": "yes"}
    root().post(reverse("admin:accounts_user_changelist"), form)


def raw_sql(member: Membership) -> None:
    with connection.cursor() as cursor:
        pk = Membership._meta.pk.get_db_prep_value(member.pk, connection)
        cursor.execute("DELETE FROM accounts_membership WHERE id = %s", [pk])


def raw_deactivation(member: Membership) -> None:
    User.objects.filter(pk=member.user_id).update(is_active=False)


REMOVALS: list[End] = [
    delete,
    delete_queryset,
    delete_user,
    delete_user_queryset,
    admin_single,
    admin_bulk,
    admin_user,
]
DEACTIVATIONS: list[End] = [deactivate, deactivate_one_field, deactivate_flow, admin_deactivate]


@pytest.fixture
def member(owner: Membership) -> Membership:
    return make_member(owner.organization, Role.ADMIN)


@pytest.fixture
def made(member: Membership) -> Issued:
    return make_token(member)


@pytest.mark.parametrize("end", REMOVALS)
def test_however_a_membership_is_deleted_its_tokens_are_stamped(
    owner: Membership, member: Membership, made: Issued, end: End
) -> None:
    kept = make_token(owner)
    end(member)
    assert not Membership.objects.filter(pk=member.pk).exists()
    token = ServiceAccountToken.objects.get(pk=made.token.pk)
    assert token.revoked_at is not None
    assert token.revoked_reason == REMOVED
    assert token_lookup.authenticate_token(made.plaintext) is errors.TOKEN_REVOKED
    assert isinstance(token_lookup.authenticate_token(kept.plaintext), Credential)


@pytest.mark.parametrize("end", DEACTIVATIONS)
def test_however_a_person_is_deactivated_their_tokens_are_stamped_in_every_organization(
    member: Membership, made: Issued, end: End
) -> None:
    elsewhere = make_token(make_member(user=member.user))
    make_member(elsewhere.token.organization)
    end(member)
    for issued in (made, elsewhere):
        token = ServiceAccountToken.objects.get(pk=issued.token.pk)
        assert token.revoked_reason == DEACTIVATED
        assert token_lookup.authenticate_token(issued.plaintext) is errors.TOKEN_REVOKED


@pytest.mark.parametrize("end", [raw_sql, raw_deactivation])
def test_behind_our_back_the_look_up_itself_refuses(member: Membership, made: Issued, end: End) -> None:
    end(member)
    assert token_lookup.authenticate_token(made.plaintext) is errors.TOKEN_REVOKED
    token = ServiceAccountToken.objects.get()
    now = timezone.now()
    assert token.revoked_at is None
    assert token.is_orphaned
    assert token.status(now) is Status.REVOKED
    assert not ServiceAccountToken.objects.all().active(now).exists()
    assert ServiceAccountToken.objects.all().stopped().get() == token
    assert ServiceAccountToken.objects.all().with_people().get().is_orphaned


@pytest.mark.parametrize("end", [delete, delete_queryset, raw_sql])
def test_a_new_membership_of_the_same_person_revives_nothing(
    member: Membership, made: Issued, end: End
) -> None:
    end(member)
    returned = make_member(member.organization, Role.OWNER, user=member.user)
    assert token_lookup.authenticate_token(made.plaintext) is errors.TOKEN_REVOKED
    assert isinstance(token_lookup.authenticate_token(make_token(returned).plaintext), Credential)


@pytest.mark.parametrize("end", [*DEACTIVATIONS, raw_deactivation])
def test_a_reactivated_person_revives_nothing(member: Membership, made: Issued, end: End) -> None:
    end(member)
    user = User.objects.get(pk=member.user_id)
    user.is_active = True
    user.save()
    assert token_lookup.authenticate_token(made.plaintext) is errors.TOKEN_REVOKED
    assert isinstance(token_lookup.authenticate_token(make_token(member).plaintext), Credential)


def test_a_membership_moved_to_another_organization_takes_no_token_along(
    member: Membership, made: Issued
) -> None:
    Membership.objects.filter(pk=member.pk).update(organization=make_organization())
    assert token_lookup.authenticate_token(made.plaintext) is errors.TOKEN_REVOKED


def test_a_deleted_organizations_tokens_are_unknown(member: Membership, made: Issued) -> None:
    member.organization.delete()
    assert token_lookup.authenticate_token(made.plaintext) is errors.INVALID_TOKEN
    assert not ServiceAccountToken.objects.exists()


def test_whoever_removes_a_member_is_named_in_their_tokens(
    owner: Membership, member: Membership, made: Issued
) -> None:
    chosen = Membership.objects.filter(pk=member.pk)
    assert removal.remove(memberships=chosen, actor=actor(owner)) == 1
    assert ServiceAccountToken.objects.get().revoked_by == owner.user


def test_a_token_revoked_before_keeps_its_story(owner: Membership, member: Membership, made: Issued) -> None:
    ServiceAccountToken.objects.update(revoked_at=timezone.now(), revoked_reason="before")
    member.delete()
    assert ServiceAccountToken.objects.get().revoked_reason == "before"


def test_saving_a_person_who_stays_active_stops_nothing(member: Membership, made: Issued) -> None:
    member.user.name = "Renamed"
    member.user.save()
    member.user.save(update_fields=["name"])
    assert isinstance(token_lookup.authenticate_token(made.plaintext), Credential)


@pytest.mark.django_db(transaction=True)
def test_a_deactivation_that_fails_halfway_leaves_everything_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member = make_member()
    issued = make_token(member)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(User, "_save_table", fail)
    member.user.is_active = False
    with pytest.raises(RuntimeError):
        member.user.save()
    assert isinstance(token_lookup.authenticate_token(issued.plaintext), Credential)
