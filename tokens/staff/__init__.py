"""Django admin of credentials. Staff enter; calls flows."""
