"""Grants and their refresh tokens (RFC 9700): opening, rotation, revocation, status. No HTTP."""
