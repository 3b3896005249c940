from hashlib import sha256

from django.db import migrations

TABLES = ("django_session", "usersessions_usersession")


def hash_keys(apps, schema_editor):
    """As accounts.authentication.session_store names rows, so that browsers stay signed in."""
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            if schema_editor.connection.vendor == "postgresql":
                digest = "left(encode(sha256(session_key::bytea), 'hex'), 40)"
                cursor.execute(f"UPDATE {table} SET session_key = {digest}")
                continue
            cursor.execute(f"SELECT session_key FROM {table}")
            keys = [key for (key,) in cursor.fetchall()]
            digests = [(sha256(key.encode()).hexdigest()[:40], key) for key in keys]
            cursor.executemany(f"UPDATE {table} SET session_key = %s WHERE session_key = %s", digests)


class Migration(migrations.Migration):
    """The way back signs all browsers out, because no key can be had from its digest."""

    dependencies = [
        ("accounts", "0017_claims_of_invitations"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [migrations.RunPython(hash_keys, migrations.RunPython.noop)]
