"""Admin of plans, and a base class that logs the values before and after a change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from ratelimit.models import Plan

# Generic to the type checker and only to it.
if TYPE_CHECKING:
    Page = admin.ModelAdmin[Any]
else:
    Page = admin.ModelAdmin


class ValuesLogged(Page):
    """Admin whose change log has the values before and after, not only the fields' names."""

    def construct_change_message(
        self, request: HttpRequest, form: forms.Form, formsets: Any, add: bool = False
    ) -> Any:
        if add:
            return super().construct_change_message(request, form, formsets, add)
        changes = [_change(form, name) for name in form.changed_data]
        return "; ".join(changes) or "No fields changed."


def _change(form: forms.Form, name: str) -> str:
    if name not in form.fields:
        # The form of a new password says only that there is one.
        return f"{name.capitalize()} changed"
    before, after = form.initial.get(name), form.cleaned_data[name]
    return f"{form.fields[name].label}: {_shown(form, name, before)} → {_shown(form, name, after)}"


def _shown(form: forms.Form, name: str, value: Any) -> str:
    field = form.fields[name]
    if isinstance(field, forms.ModelChoiceField) and not isinstance(value, Model | Iterable):
        value = field.to_python(value)
    if not isinstance(value, str) and isinstance(value, Iterable):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


@admin.register(Plan)
class PlanAdmin(ValuesLogged):
    list_display = ("name", "slug", "per_day", "per_minute")

    @admin.display(description="requests per day", ordering="requests_per_day")
    def per_day(self, plan: Plan) -> str:
        return "Unlimited" if plan.requests_per_day is None else f"{plan.requests_per_day:,}"

    @admin.display(description="requests per minute", ordering="burst_per_minute")
    def per_minute(self, plan: Plan) -> str:
        return "Unlimited" if plan.burst_per_minute is None else f"{plan.burst_per_minute:,}"

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> tuple[str, ...]:
        """Keep the slug of a plan, by which commands and integrations name it."""
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        obj.save(edited_by=request.user)
