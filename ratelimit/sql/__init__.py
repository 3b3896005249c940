"""Limits and counters in SQL. It never uses Redis."""
