"""Every endpoint that removes access increments the generation in its own transaction, and publishes it.

The table names each unsafe operation of the API, read off the URL resolver: how it is called so that it takes
something away, or why it takes nothing. One that is not in it fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.test import Client

from accounts.drf.routes import routes
from accounts.permissions.roles import Role
from tests.support.clients import program
from tests.support.mails import last_mail, secret_of
from tests.support.sessions import make_person, opened, refresh
from tests.support.tenants import Tenant, make_tenant
from tests.tokens.api.github_scanner import github
from tests.tokens.freshness.changes import Watch, is_published, watching
from tests.tokens.oauth.calls import ask
from tokens.models import GrantKind

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
NEW_PASSWORD = "seven brass kettles sing low"
# A later rotation is by a stranger, or the token was stolen before.
GRACE_IS_OVER = {"REFRESH_GRACE_SECONDS": 0}

Call = Callable[[Tenant], Any]


def by_program(method: str, path: str, body: dict[str, Any] | None = None) -> Call:
    """A request of a program that may do everything; ``{client}`` and the like are the tenant's own ids."""
    return lambda tenant: getattr(program(tenant.issued), method)(_filled(path, tenant), body or {})


def by_owner(method: str, path: str, body: dict[str, Any] | None = None) -> Call:
    """A request of the owner's session; ids in the body are filled in as well."""

    def call(tenant: Tenant) -> Any:
        filled = {name: _filled(value, tenant) for name, value in (body or {}).items()}
        return getattr(program(tenant.session.access_token), method)(_filled(path, tenant), filled)

    return call


def _filled(text: str, tenant: Tenant) -> str:
    return text.format(
        client=tenant.program.id,
        member=tenant.colleague.public_id,
        token=tenant.token_id,
        session=tenant.session.grant.public_id,
        name=tenant.member.organization.name,
    )


def revoke_clients_tokens(tenant: Tenant) -> Any:
    tenant.program.grant()
    return by_program("delete", "/api/v1/clients/{client}/tokens")(tenant)


def resume_token(tenant: Tenant) -> Any:
    by_owner("post", "/api/v1/tokens/{token}/pause")(tenant)
    return by_owner("post", "/api/v1/tokens/{token}/resume")(tenant)


def finish_rotation(tenant: Tenant) -> Any:
    by_program("post", "/api/v1/tokens/{token}/rotate")(tenant)
    return by_program("post", "/api/v1/tokens/{token}/rotation/finish")(tenant)


def cancel_rotation(tenant: Tenant) -> Any:
    by_program("post", "/api/v1/tokens/{token}/rotate")(tenant)
    return by_owner("delete", "/api/v1/tokens/{token}/rotation")(tenant)


def end_other_sessions(tenant: Tenant) -> Any:
    opened(tenant.member)
    return by_owner("delete", "/v1/auth/sessions")(tenant)


def revoke_by_client(tenant: Tenant) -> Any:
    return ask("/v1/auth/revoke", token=tenant.program.grant()["access_token"], **tenant.program.body)


def reuse_by_client(tenant: Tenant) -> Any:
    first = tenant.program.grant()["refresh_token"]
    return _twice(lambda: tenant.program.refresh(first))


def reuse_by_person(tenant: Tenant) -> Any:
    return _twice(lambda: refresh(tenant.session.refresh_token))


def reuse_of_a_password_grant(tenant: Tenant) -> Any:
    first = opened(tenant.member, GrantKind.PASSWORD).refresh_token
    headers = {"apikey": tenant.member.organization.publishable_key}
    path = "/auth/v1/token?grant_type=refresh_token"
    body = {"refresh_token": first}
    return _twice(lambda: Client().post(path, body, content_type="application/json", headers=headers))


def report_leak(tenant: Tenant) -> Any:
    return send_json("/api/v1/leaks", {"token": tenant.issued.plaintext, "source": "paste"})


def report_leak_by_github(tenant: Tenant) -> Any:
    with github() as scanner:
        return scanner.report([{"token": tenant.issued.plaintext, "type": "api_token"}])


def _twice(call: Callable[[], Any]) -> Any:
    assert call().status_code == 200
    answer = call()
    assert answer.status_code in (400, 401), answer.content
    answer.status_code = 200
    return answer


def reset_password(tenant: Tenant) -> Any:
    email = make_person(tenant.member.organization).user.email
    send_json("/v1/auth/password-reset", {"email": email})
    body = {"token": secret_of(last_mail()), "password": NEW_PASSWORD}
    return send_json("/v1/auth/password-reset/confirm", body)


def send_json(path: str, body: dict[str, str]) -> Any:
    return Client().post(path, body, content_type="application/json")


TAKES: dict[str, Call] = {
    "PATCH api/v1/clients/<str:client_id>": by_program(
        "patch", "/api/v1/clients/{client}", {"scopes": ["index:read:*"]}
    ),
    "DELETE api/v1/clients/<str:client_id>": by_program("delete", "/api/v1/clients/{client}"),
    "DELETE api/v1/clients/<str:client_id>/tokens": revoke_clients_tokens,
    "PATCH api/v1/members/<str:member_id>": by_owner(
        "patch", "/api/v1/members/{member}", {"role": Role.ADMIN}
    ),
    "DELETE api/v1/members/<str:member_id>": by_owner("delete", "/api/v1/members/{member}"),
    "PATCH api/v1/organization": by_owner("patch", "/api/v1/organization", {"name": "Another"}),
    "POST api/v1/leaks": report_leak,
    "POST api/v1/leaks/github": report_leak_by_github,
    "POST api/v1/organization/revoke-all": by_owner(
        "post", "/api/v1/organization/revoke-all", {"confirm": "{name}"}
    ),
    "POST api/v1/organization/transfer-ownership": by_owner(
        "post", "/api/v1/organization/transfer-ownership", {"memberId": "{member}"}
    ),
    "PATCH api/v1/tokens/<str:token_id>": by_program(
        "patch", "/api/v1/tokens/{token}", {"permissions": ["index:read:*"]}
    ),
    "DELETE api/v1/tokens/<str:token_id>": by_program("delete", "/api/v1/tokens/{token}"),
    "POST api/v1/tokens/<str:token_id>/pause": by_owner("post", "/api/v1/tokens/{token}/pause"),
    "POST api/v1/tokens/<str:token_id>/resume": resume_token,
    "POST api/v1/tokens/<str:token_id>/revoke": by_program("post", "/api/v1/tokens/{token}/revoke"),
    "POST api/v1/tokens/<str:token_id>/rotate": by_program("post", "/api/v1/tokens/{token}/rotate"),
    "DELETE api/v1/tokens/<str:token_id>/rotation": cancel_rotation,
    "POST api/v1/tokens/<str:token_id>/rotation/finish": finish_rotation,
    "POST v1/auth/logout": by_owner("post", "/v1/auth/logout"),
    "DELETE v1/auth/sessions": end_other_sessions,
    "DELETE v1/auth/sessions/<str:session_id>": by_owner("delete", "/v1/auth/sessions/{session}"),
    "POST v1/auth/revoke": revoke_by_client,
    "POST v1/auth/refresh": reuse_by_person,
    "POST v1/auth/token": reuse_by_client,
    "POST auth/v1/token": reuse_of_a_password_grant,
    "POST v1/auth/password-reset/confirm": reset_password,
}

ADDS = "it only adds"
UNREMEMBERED = "what it changes is looked up at each use"
TAKES_NOTHING: dict[str, str] = {
    "POST .well-known/jwks.json": "it only answers",
    "POST .well-known/oauth-authorization-server": "it only answers",
    "POST api/auth/verify": "it only answers",
    "POST api/auth/verify/envoy": "it only answers",
    "POST api/auth/verify/nginx": "it only answers",
    "POST api/v1/clients": ADDS,
    "POST api/v1/clients/<str:client_id>/rotate-secret": UNREMEMBERED,
    "POST api/v1/indexes": ADDS,
    "PATCH api/v1/indexes/<str:uuid>": UNREMEMBERED,
    "DELETE api/v1/indexes/<str:uuid>": UNREMEMBERED,
    "POST api/v1/invitations": ADDS,
    "POST api/v1/invitations/accept": ADDS,
    "DELETE api/v1/invitations/<str:invitation_id>": UNREMEMBERED,
    "POST api/v1/invitations/<str:invitation_id>/resend": UNREMEMBERED,
    "POST api/v1/tokens": ADDS,
    "POST api/v1/tokens/lookup": "it only answers",
    "POST v1/auth/docs": "it only answers",
    "POST v1/auth/exchange": ADDS,
    "POST v1/auth/introspect": "it only answers",
    "POST v1/auth/login": ADDS,
    "POST v1/auth/magic-link": ADDS,
    "POST v1/auth/magic-link/verify": ADDS,
    "POST v1/auth/password-reset": ADDS,
    "POST v1/auth/signup": ADDS,
    "POST internal/housekeeping": "it deletes what had ended",
}


def operations() -> Iterator[str]:
    for route in routes():
        if route.is_api:
            # What is no class of the framework is one function for all of its methods.
            methods = [one for one in UNSAFE if hasattr(route.view, one.lower())] if route.view else ["POST"]
            yield from (f"{method} {route.path}" for method in methods)


def test_every_unsafe_endpoint_is_in_the_table() -> None:
    assert set(operations()) == TAKES.keys() | TAKES_NOTHING.keys()


@pytest.mark.django_db(transaction=True)
def test_whatever_takes_something_away_tells_in_the_same_transaction(
    redis_client: redis.Redis, settings: Any
) -> None:
    for name, value in GRACE_IS_OVER.items():
        setattr(settings, name, value)
    with watching() as watch:
        for operation, call in TAKES.items():
            tenant = make_tenant()
            watch.forget()
            response = call(tenant)
            assert response.status_code in (200, 201, 202, 204), (operation, response.content)
            assert_told(watch, operation, tenant, redis_client)


def assert_told(watch: Watch, what: str, tenant: Tenant, client: redis.Redis) -> None:
    assert watch.untold() == set(), what
    assert tenant.member.organization_id in watch.advanced(), what
    assert is_published(tenant.member.organization_id, client), what
