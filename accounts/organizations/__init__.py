"""Flows on one organization: provisioning, changes, policies, plan, deletion."""
