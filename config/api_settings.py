"""Django REST framework, the schema it describes itself with, and what other hosts' pages may send."""

from __future__ import annotations

# Paths of programs: JSON and a bearer, no cookie. The environment's API_PREFIXES adds to them.
TESSERA_API_PREFIXES = ("/api/", "/v1/", "/auth/v1/", "/internal/", "/.well-known/")
PAGE_PREFIXES = ("/accounts/", "/admin/", "/settings/", "/static/")

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
    "DESCRIPTION": """\
Organizations, people with roles, and machine credentials.

Send a credential as `Authorization: Bearer …`. Bodies are JSON, names are camelCase, times are UTC with
milliseconds. Every refusal is `{"error": …, "code": …}`: `error` is for people, `code` is stable.
Lists are paged: follow `next` until it is null.""",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "TAGS": [
        {"name": "Identity", "description": "Who a credential is and what it may do."},
        {"name": "Tokens", "description": "Credentials of an organization's programs."},
        {"name": "OAuth clients", "description": "Programs that get short-lived tokens with a secret."},
        {"name": "OAuth 2.1", "description": "The token service itself; its errors are those of RFC 6749."},
        {"name": "Sessions", "description": "People at the API: sign-in, refresh, sign-out."},
        {"name": "Indexes", "description": "Named resources that permissions and requests refer to."},
        {"name": "Organization", "description": "The organization and its people."},
        {"name": "Usage", "description": "Calls by day and by token."},
    ],
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

CORS_ALLOW_CREDENTIALS = False
CORS_PREFLIGHT_MAX_AGE = 7_200
CORS_EXPOSE_HEADERS = [
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
]
