"""Pure functions on secrets, JWTs and signing keys. No table, no HTTP."""
