"""Opens each page of the admin on the filled database and prints its time and its queries."""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib import admin  # noqa: E402
from django.contrib.admin.filters import SimpleListFilter  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import reverse  # noqa: E402

from accounts.audit.models import AuditEvent  # noqa: E402
from accounts.models import Membership, Organization, User  # noqa: E402
from config.postgres.pool import Connection  # noqa: E402
from tests.bench.admin_fill import fill  # noqa: E402
from tokens.models import OAuthClient, ServiceAccountToken  # noqa: E402

LIMIT_SECONDS = 1.0


def pages(root: User) -> Iterator[tuple[str, str]]:
    """Each page's name and address."""
    large = Organization.objects.get(slug="organization-1")
    token = ServiceAccountToken.objects.exclude(organization=large).latest("pk")
    small = token.organization
    member = Membership.objects.select_related("user").filter(organization=small).latest("pk")
    texts = {
        "id org_…": small.public_id,
        "id tok_…": token.public_id,
        "id usr_…": member.user.public_id,
        "e-mail": member.user.email,
        "last four": token.current_secret.last_four,
        "name": "initech 1",
        "nothing": "there is no such thing",
    }
    yield "home", reverse("admin:index")
    for text, typed in texts.items():
        yield f"everything: search {text}", f"{reverse('staff-search')}?q={typed}"
    for model, page in sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label):
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        name = str(model._meta.verbose_name_plural)
        yield name, address
        yield f"{name}: last page", f"{address}?p={last_page(address, root)}"
        for text, typed in texts.items():
            if page.get_search_fields(RequestFactory().get("/")):
                yield f"{name}: search {text}", f"{address}?q={typed}"
        for parameter, value in choices(page, model):
            yield f"{name}: {parameter} {value}", f"{address}?{parameter}={value}"
    lists = ("accounts_membership", "tokens_serviceaccounttoken", "tokens_oauthclient", "accounts_auditevent")
    for model_name in lists:
        address = reverse(f"admin:{model_name}_changelist")
        yield f"{model_name} of the large organization", f"{address}?organization={large.public_id}"
    event = AuditEvent.objects.latest("pk")
    client = OAuthClient.objects.latest("pk")
    rows = {"small organization": small, "large organization": large, "token": token, "member": member}
    for name, row in (rows | {"user": member.user, "client": client, "event": event}).items():
        opts = row._meta
        yield f"{name}: page", reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])


def last_page(address: str, root: User) -> int:
    """As the page itself links to it."""
    numbers = re.findall(r"[?&;]p=(\d+)", browser(root).get(address).content.decode())
    return max(map(int, numbers), default=1)


def choices(page: admin.ModelAdmin[Any], model: type) -> Iterator[tuple[str, str]]:
    """Each value of each filter that has values of its own."""
    for listed in page.list_filter:
        if isinstance(listed, type) and issubclass(listed, SimpleListFilter):
            request = RequestFactory().get("/")
            shown = listed(request, {}, model, page)
            yield from ((str(shown.parameter_name), str(value)) for value, _ in shown.lookup_choices)
        else:
            yield f"{listed}__exact", {"role": "owner", "plan": "1", "action_flag": "2"}[str(listed)]


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def main() -> None:
    options = {key: int(value) for key, _, value in (text.partition("=") for text in sys.argv[1:])}
    print(f"{options}\nfilled in {fill(options):.0f} s\n", flush=True)
    settings.ALLOWED_HOSTS.append("testserver")
    settings.ACCESS_LOG = False
    Connection.longest = settings.DATABASE_TIMEOUT_SECONDS
    root = User.objects.create_superuser("root@example.com", "a-long-enough-passphrase")
    client, slow = browser(root), 0
    print(f"{'page':58}{'status':>7}{'queries':>9}{'median ms':>11}{'worst ms':>10}")
    for name, address in pages(root):
        with CaptureQueriesContext(connection) as queries:
            status = client.get(address).status_code
        number = len(queries)
        times = []
        for _ in range(options["rounds"]):
            started = time.perf_counter()
            client.get(address)
            times.append((time.perf_counter() - started) * 1000)
        # A public id leads straight to its row's page.
        slow += status not in (200, 302) or statistics.median(times) > LIMIT_SECONDS * 1000
        print(
            f"{name:58}{status:7}{number:9}{statistics.median(times):11.0f}{max(times):10.0f}",
            flush=True,
        )
    print(f"\nslower than {LIMIT_SECONDS:.0f} s, or not answered: {slow}")


if __name__ == "__main__":
    main()
