"""The format of log lines."""
