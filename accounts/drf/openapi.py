"""OpenAPI schema of an operation: its permission, its errors and the rate limits."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from drf_spectacular.openapi import AutoSchema

from accounts import errors
from accounts.drf import error_openapi
from accounts.drf.fields import StrictSerializer
from accounts.drf.permissions import declared_scope
from accounts.errors import ErrorCode

Schema = dict[str, Any]

# Errors of every operation that takes a bearer token.
BEARER_REFUSED = (
    errors.CREDENTIAL_REQUIRED,
    errors.INVALID_TOKEN,
    errors.TOKEN_REVOKED,
    errors.TOKEN_EXPIRED,
    errors.TOKEN_PAUSED,
    errors.ORGANIZATION_SUSPENDED,
    errors.ADDRESS_NOT_ALLOWED,
)
UNREADABLE = (errors.PAYLOAD_TOO_LARGE, errors.UNSUPPORTED_MEDIA_TYPE)


class OperationSchema(AutoSchema):
    """Takes ``scopes``, ``public`` and ``refuses`` from the view, so that no operation repeats them.

    ``refuses = {"POST": (error, …)}`` lists the errors of that operation alone.
    """

    def get_operation(self, *args: Any, **kwargs: Any) -> Schema | None:
        operation: Schema | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        public = getattr(self.view, "public", False)
        scope = None if public else self._scope()
        refused = error_openapi.responses(self._refusals(operation, scope, public=public))
        # Responses that a view documents itself take precedence over the derived ones.
        operation["responses"] = dict(sorted((refused | operation["responses"]).items()))
        for status, response in operation["responses"].items():
            found = error_openapi.headers(int(status), identified=not public)
            response["headers"] = found | response.get("headers", {})
            response["description"] = response.get("description") or HTTPStatus(int(status)).phrase
        if scope is not None:
            # OpenAPI 3.1 allows scopes in any security scheme.
            operation["security"] = [{name: [scope] for name in one} for one in operation["security"]]
            needs = f"Needs the permission `{scope}`."
            operation["description"] = "\n\n".join(filter(None, (operation.get("description"), needs)))
        return operation

    def _scope(self) -> str | None:
        """Return the declared scope; `manage.py check` reports a view without one."""
        try:
            return declared_scope(self.view, self.method)
        except ImproperlyConfigured:
            return None

    def get_operation_id(self) -> str:
        """Return an id such as ``getV1Identity``, unless the view has set one."""
        words = re.findall(r"[A-Za-z0-9]+", self.path.removeprefix("/api/"))
        return self.method.lower() + "".join(map(str.capitalize, words))

    def _get_request_body(self, direction: str = "request") -> Schema | None:
        """OpenAPI 3.1 lets a DELETE have a body: a view says so by ``optional_body = ("DELETE",)``."""
        if self.method not in getattr(self.view, "optional_body", ()):
            return cast(Schema | None, super()._get_request_body(direction))  # type: ignore[no-untyped-call]
        self.method, kept = "POST", self.method
        try:
            body: Schema = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = kept
        body.pop("required", None)
        return body

    def _map_serializer_field(self, field: Any, direction: str, *args: Any, **kwargs: Any) -> Schema:
        schema: Schema = super()._map_serializer_field(field, direction, *args, **kwargs)  # type: ignore[no-untyped-call]
        if pattern := getattr(field, "pattern", ""):
            schema.setdefault("pattern", pattern)
        return schema

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:
        schema: Schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        return schema

    def _refusals(self, operation: Schema, scope: str | None, *, public: bool) -> list[ErrorCode]:
        """Return the errors that follow from the operation, and those that its view lists."""
        places = {parameter["in"] for parameter in operation.get("parameters", ())}
        found = [errors.UNAVAILABLE, *getattr(self.view, "refuses", {}).get(self.method, ())]
        if not public:
            found += [*BEARER_REFUSED, errors.RATE_LIMITED]
        if scope is not None:
            found.append(errors.INSUFFICIENT_SCOPE)
        if "path" in places:
            found.append(errors.NOT_FOUND)
        if "requestBody" in operation:
            found += UNREADABLE
        if "query" in places:
            found.append(errors.URI_TOO_LONG)
        if "requestBody" in operation or places & {"query", "header"}:
            found.append(errors.INVALID_REQUEST)
        return found
