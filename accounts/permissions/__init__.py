"""Roles, scopes and the catalogue of permissions: pure values, without a database or HTTP."""
