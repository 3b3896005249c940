"""An organization's indexes and end users, which request headers name."""
