"""Django admin of people and organizations. It calls the flows."""
