"""Pages that change or remove a member, and show what depends on them first. They need no scripts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import errors, typeid
from accounts.authorization.acts import MANAGE, Act, permits
from accounts.authorization.rights import personal
from accounts.errors import APIError
from accounts.members.emails import article
from accounts.models import Membership
from accounts.pages.decorators import PageRequest, page, recently_authenticated
from accounts.permissions import picker
from accounts.permissions.roles import Role
from tokens.lifecycle import member_removal, transfer
from tokens.lifecycle.member_impact import member_impact
from tokens.lifecycle.transfer_proposal import proposal
from tokens.pages.member_forms import RoleForm
from tokens.service_accounts.excess import Exceeding, exceeding


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def remove(request: PageRequest, member_id: str) -> HttpResponse:
    """Remove a member. Chosen credentials are transferred first; other tokens are revoked."""
    member = _found(request, member_id)
    if member.pk == request.membership.pk:
        return redirect("member_leave")
    return _ending(request, member)


@require_http_methods(["GET", "HEAD", "POST"])
@page(None)
def leave(request: PageRequest) -> HttpResponse:
    """Leave the organization."""
    return _ending(request, request.membership)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def change_role(request: PageRequest, member_id: str) -> HttpResponse:
    """Change role and additional permissions. Promotion to owner requires reauthentication."""
    member = _found(request, member_id)
    form = RoleForm(request.POST if request.method == "POST" else None, member=member)
    if not form.is_bound or not form.is_valid():
        return _role_page(request, member, form, [])
    if form.cleaned_data["role"] == Role.OWNER != member.role:
        return recently_authenticated(_saved)(request, member, form)
    return _saved(request, member, form)


def _saved(request: PageRequest, member: Membership, form: RoleForm) -> HttpResponse:
    try:
        changed = member_removal.change(
            actor=request.actor,
            member_id=member.pk,
            role=Role(form.cleaned_data["role"]),
            permissions=None if _is_own(request, member) else form.cleaned_data["permissions"],
            transfers=_transfers(request, "token", "tok"),
            clients=_transfers(request, "client", "cli"),
            revoked=_revoked(request),
        )
    except APIError as exc:
        return _role_page(request, member, form, _sentences(exc))
    messages.success(request, f"Saved. {changed.user.display_name} is {article(changed.role)}.")
    beyond = exceeding(changed, timezone.now())
    if not (beyond.tokens or beyond.clients) or _is_own(request, member):
        return redirect("members")
    messages.warning(request, _beyond(beyond))
    return redirect("member_role", changed.public_id)


def _ending(request: PageRequest, member: Membership) -> HttpResponse:
    problems: list[str] = []
    leaving = member.pk == request.membership.pk
    if request.method == "POST":
        try:
            transfers = _transfers(request, "token", "tok")
            clients = _transfers(request, "client", "cli")
            member_removal.remove(
                actor=request.actor, member_id=member.pk, transfers=transfers, clients=clients
            )
        except APIError as exc:
            problems = _sentences(exc)
        else:
            name = member.organization.name
            words = f"You have left {name}." if leaving else f"{member.user.display_name} is removed."
            messages.success(request, words)
            return redirect("/" if leaving else "members")
    context = _context(request, member, problems) | {"leaving": leaving}
    if request.method != "POST":
        found = proposal(context["impact"], context["recipients"], request.membership)
        context |= {"ticked": found.tokens, "recipient": found.recipient}
    return render(request, "tokens/members/member_remove.html", context, status=422 if problems else 200)


def _role_page(request: PageRequest, member: Membership, form: RoleForm, problems: list[str]) -> HttpResponse:
    context = _context(request, member, problems) | {
        "form": form,
        "role": form["role"].value() or member.role,
        "grantable": [role for role in Role if not role.outranks(Role(request.membership.role))],
        "groups": picker.groups(request.actor.scopes, form.selection),
        "others": form.selection.unknown,
        "is_own": _is_own(request, member),
        "kept": form.kept(),
    }
    status = 422 if form.is_bound else 200
    return render(request, "tokens/members/member_role.html", context, status=status)


def _context(request: PageRequest, member: Membership, problems: list[str]) -> dict[str, Any]:
    beyond = exceeding(member, timezone.now())
    return {
        "member": member,
        "impact": member_impact(member, timezone.now()),
        "exceeding": [one.credential.public_id for one in (*beyond.tokens, *beyond.clients)],
        "beyond": _beyond(beyond) if beyond.tokens or beyond.clients else "",
        "ticked_clients": request.POST.getlist("client"),
        "ticked_revoked": request.POST.getlist("revoke"),
        "recipients": _recipients(request, member),
        "recipient": request.POST.get("recipient") or request.membership.public_id,
        "ticked": request.POST.getlist("token"),
        "problems": problems,
    }


def _recipients(request: PageRequest, member: Membership) -> list[Membership]:
    """Return the eligible recipients, or none if the user may not transfer this member's credentials."""
    may = permits(personal(request.membership), Act.TRANSFER_TOKENS, member=member)
    return transfer.eligible_recipients(member) if may else []


def _found(request: PageRequest, member_id: str) -> Membership:
    """Return a member whose role is not above the user's. Raises Http404, PermissionDenied."""
    try:
        pk = typeid.decode("mem", member_id)
        inside = Membership.objects.filter(organization=request.membership.organization)
        member = inside.select_related("user", "organization").get(pk=pk)
    except (ValueError, Membership.DoesNotExist):
        raise Http404 from None
    if Role(member.role).outranks(Role(request.membership.role)):
        raise PermissionDenied
    return member


def _is_own(request: PageRequest, member: Membership) -> bool:
    return member.pk == request.membership.pk


def _beyond(found: Exceeding) -> str:
    """Describe the numbers of tokens and clients that exceed the member's permissions."""
    counts = [(len(found.tokens), "API token"), (len(found.clients), "OAuth client")]
    words = [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in counts if count]
    one = sum(count for count, _ in counts) == 1
    verb, them = ("is", "it") if one else ("are", "them")
    sentence = f"{' and '.join(words)} {verb} allowed more than the member who is responsible for {them}."
    return f"{sentence} Revoke {them} or hand {them} over."


def _revoked(request: PageRequest) -> list[UUID]:
    try:
        return [typeid.decode("tok", text) for text in request.POST.getlist("revoke")]
    except ValueError:
        raise Http404 from None


def _transfers(request: PageRequest, field: str, prefix: str) -> dict[UUID, UUID]:
    """Map the ticked tokens or clients to the chosen recipient. Raises APIError without one."""
    ticked = request.POST.getlist(field)
    if not ticked:
        return {}
    try:
        recipient = typeid.decode("mem", request.POST.get("recipient", ""))
        return {typeid.decode(prefix, text): recipient for text in ticked}
    except ValueError:
        sentence = "Choose who takes over the ticked tokens."
        raise APIError(errors.INVALID_REQUEST, fields={"recipient": [sentence]}) from None


def _sentences(exc: APIError) -> list[str]:
    """Return the sentences of a refusal. Raises Http404 for an id of another organization."""
    if exc.error is errors.NOT_FOUND:
        raise Http404
    if fields := exc.extra.get("fields"):
        return list(dict.fromkeys(sentence for sentences in fields.values() for sentence in sentences))
    if exc.error is errors.INSUFFICIENT_SCOPE:
        return [f"You do not hold {text} yourself." for text in exc.extra["required"]]
    return [f"{exc.error.message}. {exc.extra.get('detail', '')}".strip()]
