"""Pages that change or end a membership: what hangs on the person is shown first. They need no scripts."""

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
from tokens.lifecycle import member_removal
from tokens.lifecycle import transfer as transfers
from tokens.lifecycle.member_impact import hanging_on
from tokens.lifecycle.transfer_proposal import proposal
from tokens.pages.member_forms import RoleForm
from tokens.service_accounts.excess import Exceeding, exceeding


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def remove(request: PageRequest, member_id: str) -> HttpResponse:
    """End somebody's membership; chosen tokens are taken over first, the rest is revoked with it."""
    member = _found(request, member_id)
    if member.pk == request.membership.pk:
        return redirect("member_leave")
    return _ending(request, member)


@require_http_methods(["GET", "HEAD", "POST"])
@page(None)
def leave(request: PageRequest) -> HttpResponse:
    """End one's own, in the same way."""
    return _ending(request, request.membership)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MANAGE)
def change_role(request: PageRequest, member_id: str) -> HttpResponse:
    """Another role, other permissions beyond it; whoever makes an owner proves again that it is them."""
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
        found = proposal(context["hanging"], context["heirs"], request.membership)
        context |= {"ticked": found.tokens, "heir": found.recipient}
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
        "hanging": hanging_on(member, timezone.now()),
        "exceeding": [one.credential.public_id for one in (*beyond.tokens, *beyond.clients)],
        "beyond": _beyond(beyond) if beyond.tokens or beyond.clients else "",
        "ticked_clients": request.POST.getlist("client"),
        "ticked_revoked": request.POST.getlist("revoke"),
        "heirs": _recipients(request, member),
        "heir": request.POST.get("heir") or request.membership.public_id,
        "ticked": request.POST.getlist("token"),
        "problems": problems,
    }


def _recipients(request: PageRequest, member: Membership) -> list[Membership]:
    """Who may take over tokens; nobody, where the reader may not transfer those of this member."""
    may = permits(personal(request.membership), Act.TRANSFER_TOKENS, member=member)
    return transfers.recipients(member) if may else []


def _found(request: PageRequest, member_id: str) -> Membership:
    """A member of this organization within the person's reach; raises Http404, PermissionDenied."""
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
    """How many tokens and clients may do more than the member."""
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
    """The ticked tokens or clients, all to the one who is chosen; raises APIError where nobody is."""
    ticked = request.POST.getlist(field)
    if not ticked:
        return {}
    try:
        heir = typeid.decode("mem", request.POST.get("heir", ""))
        return {typeid.decode(prefix, text): heir for text in ticked}
    except ValueError:
        sentence = "Choose who takes the ticked tokens over."
        raise APIError(errors.INVALID_REQUEST, fields={"heir": [sentence]}) from None


def _sentences(exc: APIError) -> list[str]:
    """What a refusal says to people; raises Http404 for an id of elsewhere."""
    if exc.error is errors.NOT_FOUND:
        raise Http404
    if fields := exc.extra.get("fields"):
        return list(dict.fromkeys(sentence for sentences in fields.values() for sentence in sentences))
    if exc.error is errors.INSUFFICIENT_SCOPE:
        return [f"You do not hold {text} yourself." for text in exc.extra["required"]]
    return [f"{exc.error.message}. {exc.extra.get('detail', '')}".strip()]
