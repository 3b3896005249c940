from django.db import migrations

# As accounts.authentication.session_store names rows, so that browsers stay signed in.
STATEMENTS = (
    "UPDATE django_session SET session_key = left(encode(sha256(session_key::bytea), 'hex'), 40)",
    "UPDATE usersessions_usersession SET session_key = left(encode(sha256(session_key::bytea), 'hex'), 40)",
)


class Migration(migrations.Migration):
    """The way back signs all browsers out, because no key can be had from its digest."""

    dependencies = [
        ("accounts", "0017_claims_of_invitations"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL(statement, migrations.RunSQL.noop) for statement in STATEMENTS]
