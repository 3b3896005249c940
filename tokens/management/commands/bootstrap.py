"""Create a user, an organization, its first token and client. Safe to repeat."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import typeid
from accounts.authorization.rights import actor_of
from accounts.errors import APIError
from accounts.models import Membership
from accounts.organizations import provisioning
from accounts.permissions.actor import SYSTEM, Actor
from accounts.permissions.catalogue import role_scopes
from accounts.permissions.roles import Role
from accounts.permissions.scopes import parse
from accounts.validation.text import name_key
from ratelimit.models import Plan
from tokens.models import OAuthClient
from tokens.oauth import clients
from tokens.service_accounts import expiry, names
from tokens.service_accounts.issue import issue

VARIABLE = "TESSERA_PASSWORD"


class Command(BaseCommand):
    help = "Create (or complete) a user, an organization, a membership, a token and an OAuth client."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--password",
            help="Set when the account is new or has another one. Other users of the machine can read it in "
            f"the process list: prefer --password-stdin, or the environment variable {VARIABLE}.",
        )
        parser.add_argument(
            "--password-stdin", action="store_true", help="Read the password from standard input."
        )
        parser.add_argument("--name", default="")
        parser.add_argument("--organization", required=True, help="Its name.")
        parser.add_argument("--plan", help="A plan's slug; free for a new organization.")
        parser.add_argument("--role", choices=Role.values, default=Role.OWNER.value)
        parser.add_argument("--token", help="The name of a token to create.")
        parser.add_argument("--permission", action="append", default=[], help="One of its permissions.")
        parser.add_argument("--client", help="The name of an OAuth client to create.")
        parser.add_argument("--scope", action="append", default=[], help="One of its scopes.")
        parser.add_argument("--superuser", action="store_true", help="Let the person into the admin.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        options["password"] = self._password(options)
        try:
            with transaction.atomic():
                result = self._bootstrap(options)
        except Plan.DoesNotExist as problem:
            raise CommandError(f"There is no plan {options['plan']}.") from problem
        except (APIError, ValueError) as problem:
            facts = problem.extra if isinstance(problem, APIError) else ""
            raise CommandError(f"{problem} {facts}") from problem
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            for kind, facts in result.items():
                self.stdout.write(f"{kind}: {', '.join(f'{k} {v}' for k, v in facts.items())}")

    def _bootstrap(self, options: dict[str, Any]) -> dict[str, dict[str, str]]:
        user = provisioning.person(
            email=options["email"],
            password=options["password"],
            name=options["name"],
            superuser=options["superuser"],
        )
        organization = provisioning.organization(name=options["organization"], plan=options["plan"])
        membership = provisioning.membership(user=user, organization=organization, role=Role(options["role"]))
        result = {
            "organization": {
                "id": organization.public_id,
                "slug": organization.slug,
                "publishableKey": organization.publishable_key,
            },
            "user": {"id": user.public_id, "email": user.email},
        }
        if options["token"]:
            result["token"] = self._token(membership, options["token"], options["permission"])
        if options["client"]:
            result["client"] = self._client(membership, options["client"], options["scope"])
        return result

    def _password(self, options: dict[str, Any]) -> str | None:
        given: str | None = options["password"]
        if options["password_stdin"]:
            if given is not None:
                raise CommandError("Give either --password or --password-stdin.")
            return sys.stdin.readline().rstrip("\r\n")
        if given is not None:
            self.stderr.write(
                "Warning: --password can be read in the process list. "
                f"Use --password-stdin or the environment variable {VARIABLE}."
            )
            return given
        return os.environ.get(VARIABLE)

    def _client(self, membership: Membership, name: str, scopes: list[str]) -> dict[str, str]:
        """Return the client of that name, with its secret only if it was created now."""
        active = OAuthClient.objects.filter(organization_id=membership.organization_id, deleted_at=None)
        if existing := active.filter(name=name).first():
            return {"clientId": existing.public_id}
        for scope in scopes:
            parse(scope)
        created = clients.create(
            actor=acting_for(membership), name=name, scopes=scopes or role_scopes(Role.VIEWER).texts
        )
        return {"clientId": created.client.public_id, "clientSecret": created.plaintext}

    def _token(self, membership: Membership, name: str, permissions: list[str]) -> dict[str, str]:
        """Return the active token of that name, with its plaintext only if it was created now."""
        taken = names.by_key(membership.organization_id, timezone.now())
        if existing := taken.get(name_key(name)):
            return {"id": typeid.encode("tok", existing)}
        for permission in permissions:
            parse(permission)
        organization = membership.organization
        issued = issue(
            actor=acting_for(membership),
            name=name,
            permissions=permissions or role_scopes(Role.VIEWER).texts,
            expires_in_days=None if organization.endless_tokens_allowed else expiry.longest(organization),
        )
        return {"id": issued.token.public_id, "token": issued.plaintext}


def acting_for(membership: Membership) -> Actor:
    """Return the system as actor with the member's scopes. The member is responsible for what it creates."""
    return replace(actor_of(membership), type=SYSTEM.type, id=None, name=SYSTEM.name)
