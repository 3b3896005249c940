"""The module that Django's admin discovers: it imports ``tokens.staff``."""

from tokens.staff import clients, home_panels, organizations, tokens, users  # noqa: F401
