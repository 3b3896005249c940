"""A Django project whose only app is `ratelimit`: prints what three requests got, on a limit of two a day.

Its arguments are a folder for its database, and REDIS_URL or nothing.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from uuid import uuid4

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path

Handler = Callable[[HttpRequest], HttpResponse]

folder, *redis_urls = sys.argv[1:]
REDIS = dict(zip(["REDIS_URL"], redis_urls, strict=False))
settings.configure(
    ALLOWED_HOSTS=["testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/project.sqlite3"}},
    INSTALLED_APPS=["ratelimit"],
    MIDDLEWARE=["__main__.identify", "ratelimit.middleware.RateLimitMiddleware"],
    ROOT_URLCONF="__main__",
    **REDIS,
)
django.setup()

from django.test import Client  # noqa: E402

from ratelimit.types import LimitRequest  # noqa: E402


@dataclass(frozen=True)
class Credential:
    limit_request: LimitRequest

    def limit_request_for(self, path: str) -> LimitRequest:
        return self.limit_request


CREDENTIAL = Credential(LimitRequest(bucket=uuid4(), subject=uuid4(), requests_per_day=2))


def identify(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponse:
        request.credential = CREDENTIAL  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


urlpatterns = [path("", lambda request: HttpResponse("Hello"))]


def main() -> None:
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    responses = [Client().get("/") for _ in range(3)]
    answers = [{"status": one.status_code, "headers": dict(one.headers)} for one in responses]
    others = [name for name in ("accounts", "config", "tokens") if find_spec(name)]
    print(json.dumps({"answers": answers, "others": others}))


if __name__ == "__main__":
    main()
