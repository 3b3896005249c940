"""A PostgreSQL and a Redis of the test run's own."""
