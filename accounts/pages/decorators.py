"""Who may come in: the scope a view declares, for bearers (DRF) and for people (pages)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import errors
from accounts.authentication import browser_proof, second_factor
from accounts.authorization import policies
from accounts.errors import Refusal, Refused
from accounts.members import last_seen
from accounts.models import Membership, User
from accounts.permissions.actor import Actor
from accounts.proof import NOTHING_PROVEN, Proof

if TYPE_CHECKING:
    from rest_framework.views import APIView

SESSION_KEY = "organization"
P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)
V = TypeVar("V", bound=Callable[..., Any])


class PersonalRequest(HttpRequest):
    """What a personal page's view receives."""

    user: User


class PageRequest(PersonalRequest):
    """What a guarded page's view receives."""

    membership: Membership
    actor: Actor


class HasScope(BasePermission):
    """Reads ``scopes`` off the view, by method or by a ViewSet's action; one missing there is an error.

    ``scopes = {"GET": "orders.view"}`` or ``{"list": "orders.view", "cancel": "orders.manage"}``. None as a
    scope accepts any credential of an organization. A function gets them by ``required_scopes``.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        wanted = declared_scope(view, request.method or "")
        actor = cast(Actor, request.auth)
        if wanted is not None and not actor.allows(wanted):
            raise Refused(errors.INSUFFICIENT_SCOPE, required=[wanted])
        return True


def declared_scope(view: APIView, method: str) -> str | None:
    """The scope of a view's method; raises MethodNotAllowed, ImproperlyConfigured where none is declared."""
    scopes: dict[str, str | None] = getattr(view, "scopes", {})
    if (action := getattr(view, "action", None)) in scopes:
        return scopes[cast(str, action)]
    if method == "HEAD":
        method = "GET"
    if method == "OPTIONS":
        return None
    if method not in scopes:
        # DRF asks for permission before it looks whether the view has such a method.
        if method not in view.allowed_methods:
            raise MethodNotAllowed(method)
        raise ImproperlyConfigured(f"{type(view).__name__} declares no scope for {method}.")
    return scopes[method]


def required_scopes(**scopes: str | None) -> Callable[[V], V]:
    """Declare the scopes of a function view: ``@required_scopes(GET="orders.view")`` above ``@api_view``."""

    def decorate(view: V) -> V:
        view.cls.scopes = scopes  # type: ignore[attr-defined]
        return view

    return decorate


def actor_of(membership: Membership, proof: Proof = NOTHING_PROVEN) -> Actor:
    return Actor(
        type="user",
        id=membership.user_id,
        name=membership.user.display_name,
        organization_id=membership.organization_id,
        organization_name=membership.organization.name,
        membership_id=membership.id,
        user_id=membership.user_id,
        role=membership.role,
        scopes=membership.scopes,
        proof=proof,
    )


@dataclass(frozen=True, slots=True)
class Workspace:
    """A signed-in person's organizations and the one they work in now."""

    memberships: tuple[Membership, ...]
    membership: Membership | None
    actor: Actor | None


def workspace(request: HttpRequest) -> Workspace:
    """Read once a request: the organization chosen in this session, else the person's oldest one."""
    found: Workspace | None = getattr(request, "_workspace", None)
    if found is None:
        memberships: tuple[Membership, ...] = ()
        if request.user.is_authenticated:
            memberships = tuple(Membership.objects.of(request.user))
        chosen = request.session.get(SESSION_KEY) if memberships else None
        current = next((m for m in memberships if str(m.organization_id) == chosen), None)
        current = current or next(iter(memberships), None)
        actor = actor_of(current, browser_proof.of_request(request)) if current else None
        found = Workspace(memberships, current, actor)
        request._workspace = found  # type: ignore[attr-defined]
    return found


def personal_page(
    view: Callable[Concatenate[PersonalRequest, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Guard a page about the person alone, open also without an organization or against its policies."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if membership := workspace(request).membership:
            last_seen.note_page(membership)
        return view(cast(PersonalRequest, request), *args, **kwargs)

    guarded.page_scope = None  # type: ignore[attr-defined]
    return guarded


def page(
    wanted: str | None,
) -> Callable[[Callable[Concatenate[PageRequest, P], HttpResponse]], Callable[..., HttpResponse]]:
    """Guard a page: signed in, in an organization, holding ``wanted`` (None: every member may).

    The view's request carries ``membership`` and ``actor``.
    """

    def decorate(view: Callable[Concatenate[PageRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            found = workspace(request)
            if found.membership is None or found.actor is None:
                return render(request, "accounts/no_organization.html", status=403)
            if unmet := unmet_policy(found.membership, found.actor):
                context = {
                    "unmet": unmet,
                    "membership": found.membership,
                    "second_factor": second_factor.page_for(found.membership.user),
                }
                return render(request, "accounts/policy.html", context, status=403)
            if wanted is not None and not found.actor.allows(wanted):
                raise PermissionDenied
            request.membership, request.actor = found.membership, found.actor  # type: ignore[attr-defined]
            last_seen.note_page(found.membership)
            return view(cast(PageRequest, request), *args, **kwargs)

        guarded.page_scope = wanted  # type: ignore[attr-defined]
        return guarded

    return decorate


def unmet_policy(membership: Membership, actor: Actor) -> Refusal | None:
    """The first of the organization's policies that the actor's sign-in does not satisfy."""
    return policies.unmet(policies.of(membership.organization), membership.role, actor.proof)


def recently_authenticated(
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[Concatenate[R, P], HttpResponse]:
    """Ask a signed-in person to prove again that it is them, where the last proof is too long ago.

    The flow behind a page asks as well; this asks before anything is typed in vain. What was sent is kept
    meanwhile, so put this under login_required and nowhere near passwords.
    """

    @wraps(view)
    def guarded(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not browser_proof.of_request(request).is_recent():
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return guarded
