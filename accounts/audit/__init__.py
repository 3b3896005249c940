"""The append-only audit log. Flows write to it last in their transaction. It uses no other table."""
