"""Endpoints that open, list and end sessions."""
