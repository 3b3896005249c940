"""The admin's page that creates an organization with its owner."""

from __future__ import annotations

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from accounts.errors import APIError
from accounts.registration.opening_by_staff import open_organization
from accounts.staff.base import staff
from accounts.staff.panels import page_url
from accounts.validation import addresses
from accounts.validation.text import validate_address, validate_name
from ratelimit.admin import Page
from ratelimit.models import Plan


class NewOrganizationForm(forms.Form):
    name = forms.CharField(
        max_length=100, validators=[validate_name], help_text="The slug is derived from it."
    )
    plan = forms.ModelChoiceField(Plan.objects.all())
    email = forms.EmailField(
        label="Owner's e-mail",
        max_length=254,
        validators=[validate_address],
        help_text="An existing account becomes the owner at once. A new one confirms the address by mail.",
    )
    owner_name = forms.CharField(
        label="Owner's name",
        max_length=100,
        validators=[validate_name],
        required=False,
        help_text="For a new account. An existing one keeps its name.",
    )

    def clean_email(self) -> str:
        return addresses.cleaned(self.cleaned_data["email"])


def add_organization(page: Page, request: HttpRequest) -> HttpResponse:
    if not page.has_add_permission(request):
        raise PermissionDenied
    form = NewOrganizationForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and (response := _create(page, request, form)):
        return response
    context = {
        **page.admin_site.each_context(request),
        "title": "Add organization",
        "form": form,
        "opts": page.opts,
        "media": page.media,
    }
    status = 400 if form.errors else 200
    return TemplateResponse(request, "admin/organization_add.html", context, status=status)


def _create(page: Page, request: HttpRequest, form: NewOrganizationForm) -> HttpResponse | None:
    """Return the redirect to the new organization's page, or None with the refusal in the form."""
    email = form.cleaned_data["email"]
    try:
        with transaction.atomic():
            organization = open_organization(actor=staff(request), **form.cleaned_data)
            page.log_addition(request, organization, f"Created with the owner {email}.")
    except APIError as exc:
        for sentences in exc.extra.get("fields", {}).values():
            form.add_error("email", sentences)
        return None
    page.message_user(request, f"{organization} was created. Its owner {email} gets a mail.")
    return HttpResponseRedirect(page_url("accounts_organization", organization.pk))
