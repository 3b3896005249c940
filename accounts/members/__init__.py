"""Flows on memberships and invitations, under the organization's lock."""
