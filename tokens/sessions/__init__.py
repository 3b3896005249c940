"""People's API sessions. No HTTP views."""
