import logging

import idna
from django.db import migrations

logger = logging.getLogger(__name__)
KEPT = "Two rows are for one mailbox, %s and %s: both were kept (%s)."


def stored(email):
    """The domain as IDNA 2008 A-labels; None where it has none, or the address already has that form."""
    local, at, domain = email.rpartition("@")
    if domain.isascii():
        return None
    try:
        found = f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except ValueError:
        return None
    return found if len(found) <= 254 else None


def unlike(rows):
    """Rows that are stored in another form, with the form that they should have."""
    return [(row, wanted) for row in rows.iterator() if (wanted := stored(row.email))]


def respell(apps, schema_editor):
    """Store one form of each address; where another row has it already, both stay and are reported."""
    addresses = apps.get_model("account", "EmailAddress").objects
    respell_people(apps.get_model("accounts", "User").objects, addresses)
    respell_invitations(apps.get_model("accounts", "Invitation").objects)
    respell_claims(apps.get_model("accounts", "MailedClaim").objects)


def respell_people(people, addresses):
    for user, wanted in unlike(people.only("pk", "email")):
        of_others = addresses.filter(email=wanted).exclude(user_id=user.pk)
        if people.filter(email=wanted).exists() or of_others.exists():
            logger.warning(KEPT, user.email, wanted, "accounts")
            continue
        people.filter(pk=user.pk).update(email=wanted)
        own = addresses.filter(user_id=user.pk)
        if not own.filter(email=wanted).exists():
            own.filter(email=user.email).update(email=wanted)


def respell_invitations(invitations):
    for invitation, wanted in unlike(invitations.only("pk", "email", "organization_id")):
        same = invitations.filter(organization_id=invitation.organization_id, email=wanted)
        if same.filter(accepted_at=None, revoked_at=None).exists():
            logger.warning(KEPT, invitation.email, wanted, "invitations")
            continue
        invitations.filter(pk=invitation.pk).update(email=wanted)


def respell_claims(claims):
    """Mailed links go on working; of two for one mailbox, each keeps the spelling that it has."""
    for claim, wanted in unlike(claims.only("pk", "email", "claim")):
        key = claim.claim.replace(claim.email, wanted)
        if not claims.filter(claim=key).exclude(pk=claim.pk).exists():
            claims.filter(pk=claim.pk).update(email=wanted, claim=key)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0015_parents_of_invitations"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(respell, migrations.RunPython.noop)]
