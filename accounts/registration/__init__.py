"""Flows that open or recover an account: sign-up, confirmation, password reset, social accounts."""
