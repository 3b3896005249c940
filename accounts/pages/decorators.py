"""Decorators of pages: signed in, in an organization, with a scope, and with a recent proof."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.authentication import browser_proof, second_factor
from accounts.authentication.current_organization import CurrentOrganization, current_organization
from accounts.authorization import policies
from accounts.errors import ErrorCode
from accounts.members import last_seen
from accounts.models import Membership, User
from accounts.permissions.actor import Actor

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)


class PersonalRequest(HttpRequest):
    """The request of a personal page's view."""

    user: User


class PageRequest(PersonalRequest):
    """The request of a guarded page's view."""

    membership: Membership
    actor: Actor


def personal_page(
    view: Callable[Concatenate[PersonalRequest, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Guard a page about the user alone: it needs no organization, and no policy applies."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        _note_seen(current_organization(request))
        return view(cast(PersonalRequest, request), *args, **kwargs)

    guarded.page_scope = None  # type: ignore[attr-defined]
    guarded.is_personal = True  # type: ignore[attr-defined]
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
            found = current_organization(request)
            if found.membership is None or found.actor is None:
                return render(request, "accounts/no_organization.html", status=403)
            # A policy is about the sign-in of members, and staff have signed in to the admin.
            unmet = None if found.support else unmet_policy(found.membership, found.actor)
            if unmet:
                context = {
                    "unmet": unmet,
                    "membership": found.membership,
                    "second_factor": second_factor.page_for(found.membership.user),
                }
                return render(request, "accounts/policy.html", context, status=403)
            if wanted is not None and not found.actor.allows(wanted):
                raise PermissionDenied
            request.membership, request.actor = found.membership, found.actor  # type: ignore[attr-defined]
            _note_seen(found)
            return view(cast(PageRequest, request), *args, **kwargs)

        guarded.page_scope = wanted  # type: ignore[attr-defined]
        return guarded

    return decorate


def _note_seen(found: CurrentOrganization) -> None:
    """Note that the member was seen; in a support session there is none."""
    if found.membership is not None and found.support is None:
        last_seen.note_page(found.membership)


def unmet_policy(membership: Membership, actor: Actor) -> ErrorCode | None:
    """Return the first of the organization's policies that the actor's sign-in does not meet."""
    return policies.unmet(policies.of(membership.organization), membership.role, actor.proof)


def recently_authenticated(
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[Concatenate[R, P], HttpResponse]:
    """Ask a signed-in user to authenticate again if the last time is too long ago.

    The flow behind a page asks as well; this asks before anything is typed in vain. What was sent is kept
    meanwhile, so put this under login_required and nowhere near passwords.
    """

    @wraps(view)
    def guarded(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not browser_proof.of_request(request).is_recent():
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return guarded
