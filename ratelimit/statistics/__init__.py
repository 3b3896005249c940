"""Statistics of a subject's requests: outcomes, durations, permissions, networks and routes by day."""
