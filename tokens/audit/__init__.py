"""Audit events of credentials."""
