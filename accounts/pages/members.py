"""Settings, Members: the members, the open invitations, and the transfer of ownership."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import errors, typeid
from accounts.authorization.acts import MANAGE
from accounts.errors import APIError
from accounts.members import invitation_delivery, invitations
from accounts.members.invitations import Invited
from accounts.members.roles import transfer_ownership
from accounts.models import Invitation, Membership
from accounts.pages.decorators import PageRequest, page, recently_authenticated
from accounts.permissions.catalogue import Permission, catalogue
from accounts.permissions.roles import Role
from accounts.validation import addresses

VIEW = "members.view"
PER_PAGE = 50
MOST_INVITATIONS = 200
STATUS_WORDS = {"pending": "Pending", "expired": "Expired", "lapsed": "Lapsed"}


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the members table, and what the user may do with this member."""

    member: Membership
    is_me: bool
    in_reach: bool


class InviteForm(forms.Form):
    email = forms.EmailField(
        max_length=254,
        error_messages={"required": "Give an e-mail address.", "invalid": "This is not an e-mail address."},
    )
    role = forms.ChoiceField(
        choices=Role.choices,
        error_messages={"required": "Choose a role.", "invalid_choice": "Choose a role."},
    )

    def clean_email(self) -> str:
        return addresses.cleaned(self.cleaned_data["email"])


@require_safe
@page(VIEW)
def members(request: PageRequest) -> HttpResponse:
    """List members and open invitations, and the permissions of each role."""
    return _page(request, None)


@require_POST
@page(MANAGE)
def invite(request: PageRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        email, role = form.cleaned_data["email"], Role(form.cleaned_data["role"])
        try:
            invited = invitations.invite(actor=request.actor, email=email, role=role)
        except APIError as exc:
            _take_over(form, exc)
        else:
            _report(request, invited, "We sent an invitation to {email}.")
            return redirect("members")
    return _page(request, form, status=422)


@require_POST
@page(MANAGE)
def resend(request: PageRequest, invitation_id: str) -> HttpResponse:
    found = _invitation(request, invitation_id)
    try:
        invited = invitations.resend(actor=request.actor, invitation=found)
    except APIError as exc:
        messages.error(request, _sentence(exc))
    else:
        _report(request, invited, "We sent a new link to {email}. The previous link no longer works.")
    return redirect("members")


@require_POST
@page(MANAGE)
def revoke(request: PageRequest, invitation_id: str) -> HttpResponse:
    found = _invitation(request, invitation_id)
    try:
        invitations.revoke(actor=request.actor, invitation=found)
    except APIError as exc:
        messages.error(request, _sentence(exc))
    else:
        messages.success(request, f"The invitation of {addresses.shown(found.email)} was revoked.")
    return redirect("members")


@require_http_methods(["GET", "HEAD", "POST"])
@page(None)
def transfer(request: PageRequest) -> HttpResponse:
    """Make another member the owner and the present owner an admin, after a recent sign-in."""
    if request.membership.role != Role.OWNER:
        raise PermissionDenied
    return recently_authenticated(_transfer)(request)


def _transfer(request: PageRequest) -> HttpResponse:
    everybody = Membership.objects.active().filter(organization=request.membership.organization)
    others = everybody.exclude(pk=request.membership.pk).select_related("user").order_by("user__name", "pk")
    problem = ""
    if request.method == "POST":
        try:
            member_id = typeid.decode("mem", request.POST.get("member", ""))
            owner = transfer_ownership(actor=request.actor, member_id=member_id)
        except ValueError:
            problem = "Choose who is to be the owner."
        except APIError as exc:
            if exc.error is errors.NOT_FOUND:
                raise Http404 from None
            problem = _sentence(exc)
        else:
            name = owner.user.display_name
            messages.success(request, f"{name} owns {owner.organization.name} now, and you are an admin.")
            return redirect("members")
    context = {"others": others, "problem": problem, "chosen": request.POST.get("member", "")}
    return render(request, "accounts/ownership.html", context, status=422 if problem else 200)


def _page(request: PageRequest, form: InviteForm | None, status: int = 200) -> HttpResponse:
    mine, organization = request.membership, request.membership.organization
    may_manage = request.actor.allows(MANAGE)
    people = Membership.objects.filter(organization=organization).select_related("user")
    number = _page_of(request.GET.get("member", ""), people) or request.GET.get("page")
    found = Paginator(people.order_by("joined_at", "pk"), PER_PAGE).get_page(number)
    rows = [
        Person(one, one.pk == mine.pk, may_manage and not Role(one.role).outranks(Role(mine.role)))
        for one in found
    ]
    now = timezone.now()
    invited = invitations.of_organization(organization.pk).order_by("-pk")[:MOST_INVITATIONS]
    context = {
        "members": found,
        "people": rows,
        "invited": [
            (one, STATUS_WORDS[invitations.status(one, now)], invitation_delivery.delivery(one, now))
            for one in invited
        ],
        "form": form,
        "values": {"email": form["email"].value(), "role": form["role"].value()} if form else {},
        "may_manage": may_manage,
        "grantable": [role for role in reversed(Role) if not role.outranks(Role(mine.role))],
        "roles": list(Role),
        "matrix": _matrix(),
    }
    return render(request, "accounts/members.html", context, status=status)


def _page_of(member_id: str, people: QuerySet[Membership]) -> int | None:
    """Return the number of the page that lists this member."""
    try:
        member = people.get(pk=typeid.decode("mem", member_id))
    except (ValueError, Membership.DoesNotExist):
        return None
    earlier = Q(joined_at__lt=member.joined_at) | Q(joined_at=member.joined_at, pk__lt=member.pk)
    return people.filter(earlier).count() // PER_PAGE + 1


def _invitation(request: PageRequest, invitation_id: str) -> Invitation:
    try:
        pk = typeid.decode("inv", invitation_id)
        return Invitation.objects.get(pk=pk, organization=request.membership.organization)
    except (ValueError, Invitation.DoesNotExist):
        raise Http404 from None


def _report(request: PageRequest, invited: Invited, sent: str) -> None:
    email = addresses.shown(invited.invitation.email)
    if invited.invitation.sent_at:
        messages.success(request, sent.format(email=email))
        return
    messages.warning(
        request, f"The invitation of {email} is saved, but not sent yet. We keep trying to send it for a day."
    )


def _take_over(form: InviteForm, exc: APIError) -> None:
    """Show an error beside its field."""
    fields: dict[str, Any] = exc.extra.get("fields", {"role": [_sentence(exc)]})
    if exc.error is errors.RATE_LIMITED:
        fields = {"email": [_sentence(exc)]}
    for field, sentences in fields.items():
        for sentence in sentences:
            form.add_error(field, sentence)


def _sentence(exc: APIError) -> str:
    """Return the text of an error."""
    if exc.error is errors.RATE_LIMITED:
        minutes = -(-int(exc.extra["retry_after"]) // 60)
        return f"Enough mails were sent for now. Try again in {minutes} minutes."
    if fields := exc.extra.get("fields"):
        return " ".join(sentence for sentences in fields.values() for sentence in sentences)
    return str(exc.extra.get("detail") or f"{exc.error.message}.")


def _matrix() -> list[tuple[Permission, list[bool]]]:
    """Return every permission, with whether each role has it, in the order of the roles."""
    found = catalogue()
    return [
        (permission, [found.roles[role].allows(permission.name) for role in Role])
        for resource in found.resources
        for permission in resource.permissions
    ]
