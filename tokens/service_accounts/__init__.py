"""Flows and queries of service-account tokens."""
