"""Django's settings. The comment above a variable of the environment is its sentence in config/README.md."""

from __future__ import annotations

import math
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.crypto import secret_files
from config.environment import Env
from config.logging import formatter, setup
from config.openapi import DESCRIPTION, TAGS
from config.validation import validate

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
env = Env()

# --- Server -----------------------------------------------------------------

# Port on 127.0.0.1 at which gunicorn serves.
PORT = env.int("PORT", default=8000)
# False makes it a production server, which requires SECRET_KEY and ALLOWED_HOSTS; True shows tracebacks.
DEBUG = env.bool("DEBUG", default=False)
# Public URL in links and tokens; https turns on Secure cookies, HSTS and the redirect from http.
BASE_URL = env.str("BASE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
_url = urlsplit(BASE_URL)
SECURE = _url.scheme == "https"
# DEBUG=False, or a BASE_URL with a host that is not this machine, makes it a production server.
PRODUCTION = not DEBUG and ("DEBUG" in env or _url.hostname not in ("127.0.0.1", "localhost", "::1"))

# Django's key; production requires 50 random characters, elsewhere one is created under var/.
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY and not PRODUCTION:
    SECRET_KEY = secret_files.read_or_create(VAR_DIR / "secret-key", lambda: secrets.token_urlsafe(64))
# Earlier values of SECRET_KEY, which are still accepted during a rotation.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# Hosts to respond to, which production requires; without it only this machine's own.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
if not ALLOWED_HOSTS and not PRODUCTION:
    ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
# Number of proxies that append to X-Forwarded-For, without which all clients have the proxy's address; from 1
# on, X-Forwarded-Proto is trusted as well.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# --- Applications -----------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "ratelimit",
    "accounts",
    "tokens",
]
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
    "accounts.staff.support.SupportSessionMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.authentication.known_devices.DeviceCookieMiddleware",
    "accounts.authentication.browser_sessions.LastSeenMiddleware",
    "accounts.staff.statement_timeout.AdminTimeoutMiddleware",
    "config.http.chains.JoinMiddleware",
    "tokens.credentials.middleware.BearerMiddleware",
    "ratelimit.middleware.RateLimitMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.pages.context_processors.workspace",
            ],
        },
    },
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
# Files are served from the apps, so that a checkout needs no collectstatic before it runs.
WHITENOISE_USE_FINDERS = True
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- PostgreSQL and Redis ---------------------------------------------------

# Connections to PostgreSQL per process.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=16)
# Timeout of a web request for a connection to PostgreSQL, in seconds.
DATABASE_CONNECT_SECONDS = env.float("DATABASE_CONNECT_SECONDS", default=1.5)
# Timeout of a web request's queries and their locks, in seconds, also behind PgBouncer; 0 means none.
DATABASE_TIMEOUT_SECONDS = env.float("DATABASE_TIMEOUT_SECONDS", default=1.5)
# Timeout for waiting on an organization's row lock, in seconds.
DATABASE_LOCK_SECONDS = env.float("DATABASE_LOCK_SECONDS", default=10.0)
# Timeout of each query of the admin's pages, in seconds.
DATABASE_ADMIN_SECONDS = env.float("DATABASE_ADMIN_SECONDS", default=10.0)
# The database, such as postgres://user:password@host/name.
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR}/var/tessera.sqlite3")}
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

# Redis, such as redis://:password@host:6379/0; without it limits and usage are counted in SQL.
REDIS_URL = env.str("REDIS_URL", default="")
# Timeout of a request for Redis, in seconds; SQL decides after it.
REDIS_TIMEOUT_SECONDS = env.float("REDIS_TIMEOUT_SECONDS", default=0.25)
# Failures in succession after which a process stops asking Redis.
REDIS_BREAKER_FAILURES = env.int("REDIS_BREAKER_FAILURES", default=1)
# Seconds until such a process tries Redis again with one request.
REDIS_BREAKER_SECONDS = env.float("REDIS_BREAKER_SECONDS", default=1.0)
# Seconds between two additions of a process to the statistics of its requests; with 0 it adds none.
STATISTICS_SECONDS = env.float("STATISTICS_SECONDS", default=1.0)
# The cache holds what can be fetched or computed again. What decides about a credential never comes from it.
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tsr",
        "OPTIONS": {
            # Without Redis nothing is found in the cache.
            "IGNORE_EXCEPTIONS": True,
            # Unlike a pickle, JSON runs no code of a client that can write to Redis.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "CONNECTION_POOL_KWARGS": {
                "protocol": 2,
                "socket_timeout": REDIS_TIMEOUT_SECONDS,
                "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
                # One attempt, so that an unreachable Redis costs a request no more than one timeout.
                "retry": Retry(NoBackoff(), 0),
            },
        },
    }

# --- Sign-in ----------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.authentication.backend.LimitedBackend"]
PASSWORD_HASHERS = [
    "accounts.authentication.hashing.OneAtATimeArgon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.authentication.password_validators.MaximumLengthValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.authentication.password_validators.ContextValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/settings/tokens/"

ACCOUNT_ADAPTER = "accounts.pages.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
# Sign-in is limited by exact windows (accounts.authentication.throttling), which hold under concurrency.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_FORMS = {
    "login": "accounts.pages.forms.SignInForm",
    "change_password": "accounts.pages.forms.LimitedChangePasswordForm",
    "set_password": "accounts.pages.forms.FirstPasswordForm",
}
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_EMAIL_NOTIFICATIONS = True

MFA_ADAPTER = "accounts.authentication.mfa_adapter.MFAAdapter"
MFA_FORMS = {
    "authenticate": "accounts.authentication.second_factor.LimitedAuthenticateForm",
    "reauthenticate": "accounts.authentication.second_factor.LimitedReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Tessera"
# Clocks of phones and servers differ by some seconds: the step before and the one after count as well.
MFA_TOTP_TOLERANCE = 1
# True requires a second factor, proven in the same session, for every page of the admin.
ADMIN_MFA_REQUIRED = env.bool("ADMIN_MFA_REQUIRED", default=False)

# --- Single sign-on ---------------------------------------------------------

SINGLE_SIGN_ON: dict[str, dict[str, str]] = {
    "google": {
        # Turns on "Continue with Google"; its redirect URI is $BASE_URL/accounts/google/login/callback/.
        "client_id": env.str("GOOGLE_CLIENT_ID", default=""),
        # The secret of GOOGLE_CLIENT_ID.
        "client_secret": env.str("GOOGLE_CLIENT_SECRET", default=""),
    },
    "microsoft": {
        # Turns on "Continue with Microsoft", with $BASE_URL/accounts/microsoft/login/callback/; users need
        # the optional claims email and xms_edov in the ID token.
        "client_id": env.str("MICROSOFT_CLIENT_ID", default=""),
        # The secret of MICROSOFT_CLIENT_ID.
        "client_secret": env.str("MICROSOFT_CLIENT_SECRET", default=""),
        # Accepted tenants: the id of one, or common, organizations or consumers.
        "tenant": env.str("MICROSOFT_TENANT", default="common"),
    },
}
# Timeout of all requests to a provider during one sign-in.
SINGLE_SIGN_ON_SECONDS = 3

# --- Credentials ------------------------------------------------------------

# Beginning of each new service-account token.
TOKEN_PREFIX = env.str("TOKEN_PREFIX", default="tsr_sa_")
# prefixed, or alphanumeric for new tokens of 64 characters without a prefix; both are accepted.
TOKEN_FORMAT = env.str("TOKEN_FORMAT", default="prefixed")
# File of your API's permissions, which are added to Tessera's own.
PERMISSIONS_FILE = env.str("PERMISSIONS_FILE", default=f"{BASE_DIR}/accounts/permissions/example.toml")
# Bearers of /internal/*, 32 random characters or more each; two during a rotation.
INTERNAL_TOKENS = env.list("INTERNAL_TOKENS", default=[])

# Private signing keys, which all servers share.
JWT_SIGNING_KEYS_FILE = env.str("JWT_SIGNING_KEYS_FILE", default=f"{BASE_DIR}/var/signing-keys.json")
_KEYS_DIR = Path(JWT_SIGNING_KEYS_FILE).parent
AUDIT_SIGNING_KEY_FILE = str(_KEYS_DIR / "audit-signing-key")
# Folder of the audit logs' signed heads, which housekeeping writes daily; by default beside the signing keys.
AUDIT_HEADS_FOLDER = env.str("AUDIT_HEADS_FOLDER", default="") or str(_KEYS_DIR / "audit-heads")
# Keys of second factors' secrets, 32 characters or more each: the first encrypts, all decrypt; without it
# a file beside the signing keys.
MFA_ENCRYPTION_KEYS = env.list("MFA_ENCRYPTION_KEYS", default=[])
MFA_ENCRYPTION_KEY_FILE = str(_KEYS_DIR / "mfa-encryption-key")

# Lifetime of the access token of a session, in seconds.
SESSION_ACCESS_SECONDS = env.int("SESSION_ACCESS_SECONDS", default=900)
# Lifetime of the access token of the password grant, in seconds.
PASSWORD_GRANT_ACCESS_SECONDS = env.int("PASSWORD_GRANT_ACCESS_SECONDS", default=3600)
# Lifetime of the access token of an OAuth client, in seconds.
OAUTH_ACCESS_SECONDS = env.int("OAUTH_ACCESS_SECONDS", default=7200)
# Lifetime of a refresh token, in days.
REFRESH_DAYS = env.int("REFRESH_DAYS", default=90)
# Lifetime of a grant, however often it is refreshed, in days.
GRANT_MAX_DAYS = env.int("GRANT_MAX_DAYS", default=365)
REFRESH_GRACE_SECONDS = 10

# Number of credentials that a process caches, about 2.3 KB each.
CREDENTIAL_MEMORY_SIZE = env.int("CREDENTIAL_MEMORY_SIZE", default=10_000)
# Lifetime of a cached credential, in seconds.
CREDENTIAL_MEMORY_SECONDS = env.int("CREDENTIAL_MEMORY_SECONDS", default=30)
# Lifetime of a cached credential while PostgreSQL is unavailable, in seconds.
CREDENTIAL_MEMORY_OUTAGE_SECONDS = env.int("CREDENTIAL_MEMORY_OUTAGE_SECONDS", default=900)

# --- Limits -----------------------------------------------------------------

# Refused credentials per minute and IPv4 address or IPv6 /64 before 429; a /48 has four times as many.
REFUSALS_PER_MINUTE = env.int("REFUSALS_PER_MINUTE", default=600)
# Failed sign-ins: of an account from one network or known browser, of an account from all, of one address.
SIGN_INS_PER_ACCOUNT = 10
SIGN_INS_EVERYWHERE = 100
SIGN_INS_PER_ADDRESS = 100
SIGN_IN_WINDOW_SECONDS = 900
# Sign-ins with the right password per minute and account.
SIGN_INS_PER_MINUTE = env.int("SIGN_INS_PER_MINUTE", default=60)
# Wrong codes of an account in a day, and the number of them after which its user gets an email.
CODES_EVERYWHERE = 30
CODES_BEFORE_EMAIL = 5
# Per hour: sign-ups and mailed links of a client's address; emails of one kind to a recipient from a network,
# and to a recipient from all networks.
SIGN_UPS_PER_ADDRESS = 50
LINKS_PER_ADDRESS = 100
MAILS_PER_HOUR = 3
MAILS_EVERYWHERE = 30
VERIFICATION_SECONDS = 86_400
PASSWORD_RESET_TIMEOUT = 3_600
MAGIC_LINK_SECONDS = 600
UNPROVEN_DAYS = 7
# Sessions of one user at the API; a new one ends the one that was unused for longest.
SESSIONS_PER_PERSON = env.int("SESSIONS_PER_PERSON", default=50)
# Refreshes per minute and grant.
REFRESHES_PER_MINUTE = env.int("REFRESHES_PER_MINUTE", default=60)
# Requests per minute and user to Tessera's own endpoints, over all sessions and organizations (with Redis
# Cluster: in each organization).
SESSION_REQUESTS_PER_MINUTE = env.int("SESSION_REQUESTS_PER_MINUTE", default=600)
# Requests per minute and OAuth client to the token, revocation and introspection endpoints together.
OAUTH_CALLS_PER_MINUTE = env.int("OAUTH_CALLS_PER_MINUTE", default=600)
# New grants per minute and OAuth client.
OAUTH_GRANTS_PER_MINUTE = env.int("OAUTH_GRANTS_PER_MINUTE", default=60)
# Active grants of one OAuth client; more end the ten that were unused for longest.
GRANTS_PER_CLIENT = env.int("GRANTS_PER_CLIENT", default=100)
CLIENT_FAILURES_PER_MINUTE = 15
# End users of one organization.
END_USERS_PER_ORGANIZATION = env.int("END_USERS_PER_ORGANIZATION", default=1_000_000)
# Public keys of GitHub's secret scanning, which sign its reports; empty refuses them.
GITHUB_LEAK_KEYS_URL = env.str(
    "GITHUB_LEAK_KEYS_URL", default="https://api.github.com/meta/public_keys/secret_scanning"
)
# Reports of published secrets per minute and client's address.
LEAK_REPORTS_PER_MINUTE = 60
# New end users per minute and organization.
END_USERS_PER_MINUTE = env.int("END_USERS_PER_MINUTE", default=6_000)
ACTIVE_TOKENS_PER_ORGANIZATION = 50
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
# Endpoints without bearer authentication.
OPEN_BODY_BYTES = 16_384
RATELIMIT_REFUSED = "accounts.errors.rate_limited"

# --- API --------------------------------------------------------------------

API_PREFIXES = (
    *("/api/", "/v1/", "/auth/v1/", "/internal/", "/.well-known/"),
    # Prefixes of your own endpoints' paths, such as /brands/, which are served as /api/ is.
    *env.list("API_PREFIXES", default=[]),
)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tokens.credentials.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.drf.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.drf.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.drf.negotiation.FirstByDefault",
    "DEFAULT_SCHEMA_CLASS": "accounts.drf.openapi.OperationSchema",
    "EXCEPTION_HANDLER": "accounts.drf.exception_handler.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tessera",
    "DESCRIPTION": DESCRIPTION,
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "TAGS": TAGS,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "TokenStatus": "tokens.api.token_serializers.STATUSES",
        "Role": "accounts.permissions.roles.Role",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "accounts.drf.error_openapi.add_components",
        "tokens.api.forward_auth_openapi.add_path",
    ],
}

# Origins whose scripts may call the API with a bearer and any header.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
if CORS_ALLOWED_ORIGINS:
    # First, so that scripts can read the refusals of EdgeMiddleware, and preflights reach nothing else.
    MIDDLEWARE.insert(0, "config.http.cors.CorsMiddleware")
# A preflight is answered without the view, and forward authentication must not accept one: proxies ask there.
CORS_URLS_REGEX = "^(?!/api/auth/verify)({})".format(
    "|".join(re.escape(prefix) for prefix in API_PREFIXES if prefix != "/internal/")
)
CORS_ALLOW_CREDENTIALS = False
CORS_PREFLIGHT_MAX_AGE = 7_200
CORS_EXPOSE_HEADERS = [
    *("Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"),
    "X-Token-Expires-At",
]

# --- Browsers ---------------------------------------------------------------

SESSION_COOKIE_AGE = 14 * 86_400
SESSION_ENGINE = "accounts.authentication.session_store"
SESSION_SERIALIZER = "accounts.crypto.session_serializer.SealedSerializer"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [BASE_URL] if SECURE else []
CSRF_FAILURE_VIEW = "config.http.error_views.csrf_failure"

SECURE_SSL_REDIRECT = SECURE
# EdgeMiddleware refuses a program that uses http: a redirect would hide that its bearer was exposed.
SECURE_REDIRECT_EXEMPT = [r"^(api|v1|auth/v1|internal|\.well-known)/", r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 365 * 86_400 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None

# Origins that may frame Tessera's pages.
FRAME_ANCESTORS = env.list("FRAME_ANCESTORS", default=[])
if not FRAME_ANCESTORS:
    MIDDLEWARE.insert(2, "django.middleware.clickjacking.XFrameOptionsMiddleware")
# frame-ancestors replaces X-Frame-Options, which cannot name origins.
SILENCED_SYSTEM_CHECKS = ["security.W002"]
_SIGN_IN_ORIGINS = {
    "google": ["https://accounts.google.com"],
    "microsoft": ["https://login.microsoftonline.com", "https://login.live.com"],
}
_providers = [slug for slug, client in SINGLE_SIGN_ON.items() if client["client_id"]]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        # Browsers apply it to a form's redirects as well, and single sign-on begins with a form.
        "form-action": [SELF, *(url for slug in _providers for url in _SIGN_IN_ORIGINS[slug])],
        "frame-ancestors": FRAME_ANCESTORS or [NONE],
    },
}

# --- Mail and logs ----------------------------------------------------------

# Mail server in django-environ's form, such as smtp+tls://user:password@host:587 or filemail:///path.
vars().update(env.email("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10
# A request waits no longer for the mail server; housekeeping sends what remains.
MAIL_REQUEST_SECONDS = 2.0
# Sender of all emails; by default no-reply at BASE_URL's host.
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="") or f"Tessera <no-reply@{_url.hostname}>"
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Whether each request is logged.
ACCESS_LOG = env.bool("ACCESS_LOG", default=True)
# json or console; by default console at a terminal.
LOG_FORMAT = env.str("LOG_FORMAT", default="") or formatter.wanted_form()
# Least level of logged lines: DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOGGING = setup.configuration(LOG_LEVEL, LOG_FORMAT)
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.logging.debug_page.ReporterFilter"
formatter.hide(
    (
        *(SECRET_KEY, *SECRET_KEY_FALLBACKS, *INTERNAL_TOKENS, *MFA_ENCRYPTION_KEYS),
        *(str(DATABASES["default"].get("PASSWORD") or ""), urlsplit(REDIS_URL).password or ""),
    )
)

validate(vars())
