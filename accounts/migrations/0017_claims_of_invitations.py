import django.db.models.deletion
from django.db import migrations, models

BATCH = 1000
KINDS = [
    ("sign-up", "Open an account"),
    ("verify", "Confirm an account's address"),
    ("move", "Move an account to another address"),
    ("reset", "Reset a password"),
    ("sign-in", "Sign in"),
    ("invitation", "Join an organization"),
]


def copy_links(apps, schema_editor):
    """Links that are in an inbox go on working, and those of closed invitations go on answering 410."""
    MailedClaim = apps.get_model("accounts", "MailedClaim")
    known = apps.get_model("accounts", "Invitation").objects.exclude(digest=None)
    claims = []
    for invitation in known.iterator(BATCH):
        claims.append(
            MailedClaim(
                claim=f"invitation:{invitation.pk}",
                kind="invitation",
                invitation=invitation,
                digest=bytes(invitation.digest),
                created_at=invitation.created_at,
                used_at=invitation.accepted_at,
            )
        )
        if len(claims) == BATCH:
            MailedClaim.objects.bulk_create(claims)
            claims.clear()
    MailedClaim.objects.bulk_create(claims)


def give_back(apps, schema_editor):
    """Store the digests with their invitations again."""
    claims = apps.get_model("accounts", "MailedClaim").objects.filter(kind="invitation")
    invitations = apps.get_model("accounts", "Invitation").objects
    for pk, digest in claims.values_list("invitation_id", "digest"):
        invitations.filter(pk=pk).update(digest=bytes(digest))
    claims.delete()


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0016_address_spellings"),
    ]

    operations = [
        migrations.AlterField(
            model_name="invitation",
            name="digest",
            field=models.BinaryField(max_length=32, null=True, unique=True),
        ),
        migrations.AlterField(
            model_name="mailedclaim",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=10),
        ),
        migrations.AlterField(
            model_name="mailedclaim",
            name="email",
            field=models.EmailField(blank=True, max_length=254),
        ),
        migrations.AlterField(
            model_name="mailedclaim",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="mailedclaim",
            name="invitation",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mailed_claim",
                to="accounts.invitation",
            ),
        ),
        migrations.AddConstraint(
            model_name="mailedclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("email", ""),
                    ("expires_at__isnull", True),
                    ("invitation__isnull", False),
                    ("kind", "invitation"),
                )
                | models.Q(
                    models.Q(("kind", "invitation"), _negated=True),
                    ("expires_at__isnull", False),
                    ("invitation__isnull", True),
                ),
                name="mailed_claims_invitation_owns_end",
            ),
        ),
        migrations.RunPython(copy_links, give_back),
    ]
