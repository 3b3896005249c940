"""Encryption at rest and the files that hold the server's own secrets."""
