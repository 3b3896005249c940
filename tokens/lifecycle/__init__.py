"""Flows that end, transfer or erase credentials with their owners. The only signal receivers."""
