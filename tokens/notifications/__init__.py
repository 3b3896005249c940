"""Notices and emails about credentials, written to the outbox."""
