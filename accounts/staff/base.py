"""Base classes of the admin pages: the actor, read-only pages, errors as messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.actions import delete_selected
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.authorization import acts
from accounts.errors import APIError
from accounts.models import User
from accounts.permissions.actor import Actor
from ratelimit.admin import Page

# Django refuses a form of more than 1,000 fields, and each confirmed object is one.
MOST_CONFIRMED = 900


def staff(request: HttpRequest) -> Actor:
    return Actor.of_staff(cast(User, request.user))


def may_change(request: HttpRequest, people: list[User]) -> bool:
    """Whether these users may be changed here; the flows check it again, under their locks."""
    return isinstance(request.user, User) and acts.staff_may_change(request.user, people)


class ReadOnlyAdmin:
    """Mixin of an admin that adds, changes and deletes nothing."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class IgnorePostedInlines(Page):
    """Ignores posted formsets, so that a forged one changes nothing."""

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [] if request.method == "POST" else super().get_inline_instances(request, obj)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if "_save" in request.POST:
            raise PermissionDenied
        return super().changelist_view(request, extra_context)


class DeleteThroughService(Page):
    """Deletes through a flow. If it raises, nothing is deleted or logged, and a message shows the error."""

    actions = ["delete_selected"]

    def remove(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        raise NotImplementedError

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.remove(request, self.model._default_manager.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.remove(request, queryset)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except APIError as exc:
            show_error(self, request, exc)
            page = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"
            return HttpResponseRedirect(reverse(page))

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        try:
            with transaction.atomic():
                return delete_selected(self, request, queryset)
        except APIError as exc:
            show_error(self, request, exc)
            return None


def show_error(page: Page, request: HttpRequest, exc: APIError) -> None:
    detail = exc.extra.get("detail", "")
    page.message_user(request, f"{exc.error.message}. {detail}".strip(), messages.ERROR)


def back_url(page: Page, request: HttpRequest) -> str:
    """Return the page of the chosen row if the action was started there, else ""."""
    chosen = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
    if not request.POST.get("back") or len(chosen) != 1:
        return ""
    return reverse(f"{page.admin_site.name}:{page.opts.app_label}_{page.opts.model_name}_change", args=chosen)


def given_reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()[:200]


def no_effects(chosen: Sequence[Any]) -> Mapping[UUID, str]:
    return {}


def confirmation(
    page: Page,
    request: HttpRequest,
    chosen: QuerySet[Any],
    *,
    needs_reason: bool = False,
    effects: Callable[[Sequence[Any]], Mapping[UUID, str]] = no_effects,
    **words: Any,
) -> HttpResponse | None:
    """Ask for confirmation of an action. Return None once it is confirmed, with a reason if it needs one.

    ``effects`` returns sentences by id of the chosen rows. ``words`` are title, warning and button,
    ``asks_reason`` for a reason to go with it, and ``harmless`` for an action that stops nothing.
    """
    confirmed = bool(request.POST.get("confirmed"))
    if confirmed and (given_reason(request) or not needs_reason):
        return None
    names = list(chosen[: MOST_CONFIRMED + 1])
    if len(names) > MOST_CONFIRMED:
        message = f"Select at most {MOST_CONFIRMED} at a time. Nothing has been changed."
        page.message_user(request, message, messages.WARNING)
        return HttpResponseRedirect(request.get_full_path())
    sentences = effects(names)
    context = {
        **page.admin_site.each_context(request),
        **words,
        "asks_reason": needs_reason or words.get("asks_reason"),
        "needs_reason": needs_reason,
        "lacks_reason": confirmed,
        "back": back_url(page, request),
        "opts": page.opts,
        "chosen": [(one, sentences.get(one.pk, "")) for one in names],
        "action": request.POST.getlist("action"),
        "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        "media": page.media,
    }
    return TemplateResponse(request, "admin/confirm_action.html", context)
