"""Actions of the admin that pause and resume API tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.audit import log
from accounts.errors import APIError
from accounts.models import Organization
from accounts.staff.base import confirmation, given_reason, show_error, staff
from ratelimit.admin import Page
from tokens.models import ServiceAccountToken, TokenQuerySet
from tokens.service_accounts import pause
from tokens.staff import effects

Chosen = QuerySet[ServiceAccountToken]


class PauseActions(Page):
    """Mixin of an admin with the permission ``stop``. Only active tokens are paused or resumed."""

    @admin.action(permissions=["stop"], description="Pause selected API tokens")
    def pause(self, request: HttpRequest, queryset: Chosen) -> HttpResponse | None:
        paused = _active(queryset).paused(timezone.now())
        running = _active(queryset).exclude(pk__in=paused.values("pk"))
        return self._apply(
            request,
            running,
            change=pause.pause,
            done="Paused",
            title="Pause API tokens",
            warning="Programs that use them are refused at once, until the tokens are resumed.",
            button="Pause",
            effects=lambda chosen: effects.of_programs(chosen, timezone.now()),
        )

    @admin.action(permissions=["stop"], description="Resume selected API tokens")
    def resume(self, request: HttpRequest, queryset: Chosen) -> HttpResponse | None:
        return self._apply(
            request,
            _active(queryset).paused(timezone.now()),
            change=pause.resume,
            done="Resumed",
            title="Resume API tokens",
            warning="Calls with them are accepted again at once.",
            button="Resume",
        )

    def _apply(
        self,
        request: HttpRequest,
        tokens: Chosen,
        *,
        change: Callable[..., Any],
        done: str,
        **words: Any,
    ) -> HttpResponse | None:
        """Change each token and log it, after a confirmation with a reason."""
        if asked := confirmation(self, request, tokens, asks_reason=True, **words):
            return asked
        reason = given_reason(request) or f"{done} by Tessera's staff"
        try:
            with transaction.atomic(), log.batched():
                Organization.objects.lock_all(tokens.values_list("organization_id", flat=True))
                changing = list(tokens)
                for token in changing:
                    change(token=token, actor=staff(request), reason=reason)
                    self.log_change(request, token, f"{done}: {reason}")
        except APIError as exc:
            # One of them has ended since it was read.
            show_error(self, request, exc)
            return None
        self.message_user(request, f"{done}: {len(changing)}.", messages.SUCCESS)
        return None


def _active(chosen: Chosen) -> TokenQuerySet:
    """Return the active ones of the chosen tokens, without the joins of the list."""
    tokens: TokenQuerySet = ServiceAccountToken.objects.filter(pk__in=chosen.values("pk"))
    return tokens.active(timezone.now())
