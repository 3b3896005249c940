"""Encryption at rest, and the files with the server's own secrets."""
