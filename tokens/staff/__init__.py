"""Django admin of credentials. It calls the flows."""
