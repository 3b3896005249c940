"""The limits and counters in SQL. Touches this app's tables, never Redis."""
