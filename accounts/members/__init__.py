"""Flows on memberships and invitations. They take the organization's lock."""
