"""Fixtures of the product: organizations, people and credentials to test with."""
