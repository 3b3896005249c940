"""Unsent mails, for the admin's home."""

from __future__ import annotations

from django import template
from django.utils import timezone

from accounts.notifications import outbox

register = template.Library()


@register.simple_tag
def mail_backlog() -> outbox.Backlog:
    return outbox.backlog(timezone.now())
