"""What Django's admin discovers: the classes of ``tokens.staff``."""

from tokens.staff import clients, organizations, tokens  # noqa: F401
