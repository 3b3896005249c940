"""Sessions of people at the API, as functions."""
