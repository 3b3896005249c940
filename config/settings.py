"""The only reader of the environment: strings become types here, and unsafe values stop the start."""

from __future__ import annotations

import math
import os
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.crypto import secret_files
from config.api_settings import *  # noqa: F403 - Django reads every name from this module.
from config.app_settings import *  # noqa: F403
from config.logging import formatter, setup
from config.mail_settings import mail_settings
from config.sign_in_settings import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()

PORT = env.int("PORT", default=8000)
DEBUG = env.bool("DEBUG", default=False)
BASE_URL = env.str("BASE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")

_base = urlsplit(BASE_URL)
if _base.scheme not in ("http", "https") or not _base.hostname:
    raise ImproperlyConfigured("BASE_URL must look like https://tessera.example.com")
_LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]

# Saying DEBUG=False, or naming a host that is not this machine, makes it a production server.
PRODUCTION = not DEBUG and ("DEBUG" in os.environ or _base.hostname not in ("127.0.0.1", "localhost", "::1"))


SECRET_KEY = env.str("SECRET_KEY", default="")
if PRODUCTION:
    if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
        raise ImproperlyConfigured(
            "SECRET_KEY must be set to at least 50 random characters when DEBUG is False."
        )
elif not SECRET_KEY:
    # A key of this checkout's own, created once, so that a fresh clone runs with nothing set.
    SECRET_KEY = secret_files.read_or_create(VAR_DIR / "secret-key", lambda: secrets.token_urlsafe(64))
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS must name the hosts this server answers for when DEBUG is False; * is refused."
    )
ALLOWED_HOSTS = ALLOWED_HOSTS or _LOOPBACK

SECURE = _base.scheme == "https"
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
REFUSALS_PER_MINUTE = env.int("REFUSALS_PER_MINUTE", default=600)
# Failures: of an account from one network or known browser, of an account from everywhere, of one address.
SIGN_INS_PER_ACCOUNT = 10
SIGN_INS_EVERYWHERE = 100
# Wrong codes of an account in a day from everywhere, and after how many its owner gets an email.
CODES_EVERYWHERE = 30
CODES_BEFORE_EMAIL = 5
SIGN_INS_PER_ADDRESS = 100
# Right passwords of one account.
SIGN_INS_PER_MINUTE = env.int("SIGN_INS_PER_MINUTE", default=60)
SIGN_IN_WINDOW_SECONDS = 900
# An hour's worth: sign-ups and mailed links by client address, mails of a kind by receiver and network, and
# by receiver from everywhere.
SIGN_UPS_PER_ADDRESS = 50
LINKS_PER_ADDRESS = 100
MAILS_PER_HOUR = 3
MAILS_EVERYWHERE = 30
VERIFICATION_SECONDS = 86_400
PASSWORD_RESET_TIMEOUT = 3_600
MAGIC_LINK_SECONDS = 600
UNPROVEN_DAYS = 7
END_USERS_PER_ORGANIZATION = env.int("END_USERS_PER_ORGANIZATION", default=1_000_000)
END_USERS_PER_MINUTE = env.int("END_USERS_PER_MINUTE", default=6_000)
CLIENT_FAILURES_PER_MINUTE = 15
# Of one client: calls at all OAuth endpoints, new grants, and active grants.
OAUTH_CALLS_PER_MINUTE = env.int("OAUTH_CALLS_PER_MINUTE", default=600)
OAUTH_GRANTS_PER_MINUTE = env.int("OAUTH_GRANTS_PER_MINUTE", default=60)
GRANTS_PER_CLIENT = env.int("GRANTS_PER_CLIENT", default=100)
SESSIONS_PER_PERSON = env.int("SESSIONS_PER_PERSON", default=50)
REFRESHES_PER_MINUTE = env.int("REFRESHES_PER_MINUTE", default=60)

TOKEN_PREFIX = env.str("TOKEN_PREFIX", default="tsr_sa_")
TOKEN_FORMAT = env.str("TOKEN_FORMAT", default="prefixed")
PERMISSIONS_FILE = env.str(
    "PERMISSIONS_FILE", default=str(BASE_DIR / "accounts" / "permissions" / "example.toml")
)
ACTIVE_TOKENS_PER_ORGANIZATION = 50

API_PREFIXES = (*TESSERA_API_PREFIXES, *env.list("API_PREFIXES", default=[]))  # noqa: F405
for _prefix in API_PREFIXES:
    if not re.fullmatch(r"/[A-Za-z0-9._/-]+/", _prefix) or _prefix.startswith(PAGE_PREFIXES):  # noqa: F405
        raise ImproperlyConfigured(
            f"API_PREFIXES holds {_prefix}: a prefix looks like /brands/ and is no path of Tessera's pages."
        )
# A preflight is answered without the view, and forward authentication must not accept one: proxies ask there.
CORS_URLS_REGEX = "^(?!/api/auth/verify)({})".format(
    "|".join(re.escape(prefix) for prefix in API_PREFIXES if prefix != "/internal/")
)

# Whether staff must have proven a second factor before they see anything of the admin.
ADMIN_MFA_REQUIRED = env.bool("ADMIN_MFA_REQUIRED", default=False)

INTERNAL_TOKENS = env.list("INTERNAL_TOKENS", default=[])
if any(len(token) < 32 for token in INTERNAL_TOKENS):
    raise ImproperlyConfigured("INTERNAL_TOKENS must each have at least 32 random characters.")

# How many credentials a process remembers, for how long, and for how long while SQL is away.
CREDENTIAL_MEMORY_SIZE = env.int("CREDENTIAL_MEMORY_SIZE", default=10_000)
CREDENTIAL_MEMORY_SECONDS = env.int("CREDENTIAL_MEMORY_SECONDS", default=30)
CREDENTIAL_MEMORY_OUTAGE_SECONDS = env.int("CREDENTIAL_MEMORY_OUTAGE_SECONDS", default=900)

JWT_SIGNING_KEYS_FILE = env.str("JWT_SIGNING_KEYS_FILE", default=str(VAR_DIR / "signing-keys.json"))
# Second factors' secrets are encrypted with the first of these; the default is created at first use.
MFA_ENCRYPTION_KEYS = env.list("MFA_ENCRYPTION_KEYS", default=[])
MFA_ENCRYPTION_KEY_FILE = str(Path(JWT_SIGNING_KEYS_FILE).with_name("mfa-encryption-key"))
AUDIT_SIGNING_KEY_FILE = str(Path(JWT_SIGNING_KEYS_FILE).with_name("audit-signing-key"))
AUDIT_HEADS_FOLDER = env.str(
    "AUDIT_HEADS_FOLDER", default=str(Path(JWT_SIGNING_KEYS_FILE).with_name("audit-heads"))
)
if any(len(key) < 32 for key in MFA_ENCRYPTION_KEYS):
    raise ImproperlyConfigured("MFA_ENCRYPTION_KEYS must each have at least 32 random characters.")
SESSION_ACCESS_SECONDS = env.int("SESSION_ACCESS_SECONDS", default=900)
PASSWORD_GRANT_ACCESS_SECONDS = env.int("PASSWORD_GRANT_ACCESS_SECONDS", default=3600)
OAUTH_ACCESS_SECONDS = env.int("OAUTH_ACCESS_SECONDS", default=7200)
REFRESH_DAYS = env.int("REFRESH_DAYS", default=90)
GRANT_MAX_DAYS = env.int("GRANT_MAX_DAYS", default=365)
REFRESH_GRACE_SECONDS = 10
SESSION_REQUESTS_PER_MINUTE = env.int("SESSION_REQUESTS_PER_MINUTE", default=600)

MIDDLEWARE = [
    "config.http.middleware.EdgeMiddleware",
    "config.http.chains.ForkMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.authentication.known_devices.DeviceCookieMiddleware",
    "accounts.authentication.browser_sessions.LastSeenMiddleware",
    "accounts.staff.statement_timeout.AdminTimeoutMiddleware",
    "config.http.chains.JoinMiddleware",
    "tokens.credentials.middleware.BearerMiddleware",
    "ratelimit.middleware.RateLimitMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Stores -----------------------------------------------------------------

DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=16)
# How long a request waits for a connection, and for the answer to a statement.
DATABASE_CONNECT_SECONDS = env.float("DATABASE_CONNECT_SECONDS", default=1.5)
DATABASE_TIMEOUT_SECONDS = env.float("DATABASE_TIMEOUT_SECONDS", default=1.5)
# For an organization's lock, which those who change something there take one after the other.
DATABASE_LOCK_SECONDS = env.float("DATABASE_LOCK_SECONDS", default=10.0)
# For the admin's queries: staff wait longer for a page than programs for an answer.
DATABASE_ADMIN_SECONDS = env.float("DATABASE_ADMIN_SECONDS", default=10.0)
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'tessera.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    VAR_DIR.mkdir(exist_ok=True)
    DATABASES["default"]["ENGINE"] = "config.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": DATABASE_LOCK_SECONDS,
        "init_command": "PRAGMA journal_mode=WAL",
    }
else:
    DATABASES["default"]["ENGINE"] = "config.postgres"
    DATABASES["default"]["OPTIONS"] = DATABASES["default"].get("OPTIONS", {}) | {
        "connect_timeout": max(2, math.ceil(DATABASE_CONNECT_SECONDS)),
        "pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": DATABASE_CONNECT_SECONDS},
    }

REDIS_URL = env.str("REDIS_URL", default="")
REDIS_TIMEOUT_SECONDS = env.float("REDIS_TIMEOUT_SECONDS", default=0.25)
# After so many failures one behind the other it is left alone for a while.
REDIS_BREAKER_FAILURES = env.int("REDIS_BREAKER_FAILURES", default=1)
REDIS_BREAKER_SECONDS = env.float("REDIS_BREAKER_SECONDS", default=1.0)
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tsr",
        "OPTIONS": {
            "CONNECTION_POOL_CLASS": "ratelimit.store.connections.Pool",
            "CONNECTION_POOL_KWARGS": {
                "protocol": 2,
                "socket_timeout": REDIS_TIMEOUT_SECONDS,
                "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
                # A command that timed out may have been carried out: repeating it would charge twice.
                "retry": Retry(NoBackoff(), 0),
            },
        },
    }

# --- People -----------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.authentication.backend.LimitedBackend"]
# A provider without a client id is not offered. Its endpoints are accounts.sso_providers' own unless
# they are named here.
MICROSOFT_TENANT = env.str("MICROSOFT_TENANT", default="common")
if not re.fullmatch(
    r"common|organizations|consumers|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", MICROSOFT_TENANT
):
    raise ImproperlyConfigured(
        "MICROSOFT_TENANT must be a tenant's id in lower case, or common, organizations or consumers."
    )
SINGLE_SIGN_ON: dict[str, dict[str, str]] = {
    "google": {
        "client_id": env.str("GOOGLE_CLIENT_ID", default=""),
        "client_secret": env.str("GOOGLE_CLIENT_SECRET", default=""),
    },
    "microsoft": {
        "client_id": env.str("MICROSOFT_CLIENT_ID", default=""),
        "client_secret": env.str("MICROSOFT_CLIENT_SECRET", default=""),
        "tenant": MICROSOFT_TENANT,
    },
}
for _slug, _client in SINGLE_SIGN_ON.items():
    if bool(_client["client_id"]) != bool(_client["client_secret"]):
        _name = _slug.upper()
        raise ImproperlyConfigured(f"Set both {_name}_CLIENT_ID and {_name}_CLIENT_SECRET, or neither.")
# For all that is asked of a provider while a person waits for a page.
SINGLE_SIGN_ON_SECONDS = 3

SESSION_COOKIE_AGE = 14 * 86_400
SESSION_ENGINE = "accounts.authentication.session_store"
SESSION_SERIALIZER = "accounts.crypto.session_serializer.SealedSerializer"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [BASE_URL] if SECURE else []
CSRF_FAILURE_VIEW = "config.http.error_views.csrf_failure"
RATELIMIT_REFUSED = "accounts.errors.rate_limited"

vars().update(mail_settings(env.str("EMAIL_URL", default="consolemail://")))
EMAIL_TIMEOUT = 10
# A request waits no longer for the mail server; housekeeping sends what is left.
MAIL_REQUEST_SECONDS = 2.0
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default=f"Tessera <no-reply@{_base.hostname}>"
)

# --- The edge ---------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
# Where no bearer is asked for.
OPEN_BODY_BYTES = 16_384
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
SECURE_SSL_REDIRECT = SECURE
# A program that speaks plain http is refused by EdgeMiddleware: a redirect would hide the leaked bearer.
SECURE_REDIRECT_EXEMPT = [r"^(api|v1|auth/v1|internal|\.well-known)/", r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 365 * 86_400 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
FRAME_ANCESTORS = env.list("FRAME_ANCESTORS", default=[])
if not FRAME_ANCESTORS:
    MIDDLEWARE.insert(2, "django.middleware.clickjacking.XFrameOptionsMiddleware")
# The policy's frame-ancestors does what X-Frame-Options does, and can also name who may.
SILENCED_SYSTEM_CHECKS = ["security.W002"]
_SIGN_IN_PAGES = [
    page
    for slug, pages in {
        "google": ["https://accounts.google.com"],
        "microsoft": ["https://login.microsoftonline.com", "https://login.live.com"],
    }.items()
    if SINGLE_SIGN_ON[slug]["client_id"]
    for page in pages
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        # A browser holds a form's redirects to this as well, and signing in begins with a form.
        "form-action": [SELF, *_SIGN_IN_PAGES],
        "frame-ancestors": FRAME_ANCESTORS or [NONE],
    },
}

CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
for _origin in CORS_ALLOWED_ORIGINS:
    if not re.fullmatch(r"https?://[^/?#@\s*]+", _origin):
        raise ImproperlyConfigured(
            f"CORS_ALLOWED_ORIGINS must list origins such as https://app.example.com; {_origin} is none."
        )
if CORS_ALLOWED_ORIGINS:
    # Outermost, so that a page on another host may read what the edge refuses, and preflights cost nothing.
    MIDDLEWARE.insert(0, "config.http.cors.CorsMiddleware")
STATIC_URL = "/static/"
# Served straight from the apps, so that no step stands between a checkout and a running server.
WHITENOISE_USE_FINDERS = True

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# A line for each request; LOG_FORMAT is read where the server's own lines are formed, too.
ACCESS_LOG = env.bool("ACCESS_LOG", default=True)
LOG_FORMAT = env.str("LOG_FORMAT", default=formatter.wanted_form())
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
if LOG_FORMAT not in ("json", "console") or LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR"):
    raise ImproperlyConfigured(
        "LOG_FORMAT must be json or console, and LOG_LEVEL one of DEBUG, INFO, WARNING and ERROR."
    )
LOGGING = setup.configuration(LOG_LEVEL, LOG_FORMAT)
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.logging.debug_page.ReporterFilter"
formatter.hide(
    (
        *(SECRET_KEY, *SECRET_KEY_FALLBACKS, *INTERNAL_TOKENS, *MFA_ENCRYPTION_KEYS),
        *(str(DATABASES["default"].get("PASSWORD") or ""), urlsplit(REDIS_URL).password or ""),
    )
)
