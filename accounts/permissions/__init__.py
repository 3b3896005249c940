"""Roles, scopes and the catalogue of permissions. Pure values, no database or HTTP."""
