"""The append-only audit log. Flows enter last in their transaction; touches no other table."""
