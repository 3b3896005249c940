"""Django admin of people and organizations. Staff enter; calls flows."""
