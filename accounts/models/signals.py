"""Signals that are sent before a row changes, in its transaction, with the actor as an argument.

Django's own signals have no actor. They remain where a row is deleted by a query set or a cascade.
"""

from __future__ import annotations

from django.dispatch import Signal

# Arguments: instance, actor, update_fields (None: all).
user_saving = Signal()
organization_saving = Signal()
# Arguments: instance, actor.
membership_deleting = Signal()
