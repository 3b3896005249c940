"""Mark the secrets that former responsible members knew before such marks were kept."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Exists, F, OuterRef, Subquery
from django.utils import timezone


def mark(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    secrets, tokens = apps.get_model("tokens", "ClientSecret"), apps.get_model("tokens", "TokenSecret")
    clients, memberships = apps.get_model("tokens", "OAuthClient"), apps.get_model("accounts", "Membership")
    creator = clients.objects.filter(pk=OuterRef("client_id")).values("created_by")
    secrets.objects.filter(shown_to=None).update(shown_to=Subquery(creator))
    present = memberships.objects.filter(
        organization=OuterRef("client__organization"), user=OuterRef("client__created_by")
    )
    former = secrets.objects.filter(client__deleted_at=None, valid_until=None).exclude(Exists(present))
    transferred = tokens.objects.filter(token__revoked_at=None).exclude(
        token__responsible__user=F("token__created_by")
    )
    now = timezone.now()
    for secret in former.select_related("client__created_by"):
        _write(secret, secret.client.created_by, now)
    for secret in transferred.filter(token__responsible__user__isnull=False).select_related("token__created_by"):
        _write(secret, secret.token.created_by, now)


def _write(secret: object, creator: object, now: object) -> None:
    name = getattr(creator, "name", "") or getattr(creator, "email", "").partition("@")[0]
    secret.known_to, secret.known_since = name, now  # type: ignore[attr-defined]
    secret.save(update_fields=["known_to", "known_since"])  # type: ignore[attr-defined]


class Migration(migrations.Migration):
    dependencies = (
        ("tokens", "0005_parents_and_known_secrets"),
        ("accounts", "0008_sign_in_policy"),
    )

    operations = (migrations.RunPython(mark, migrations.RunPython.noop),)
