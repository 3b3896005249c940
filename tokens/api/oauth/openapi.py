"""OpenAPI of the OAuth endpoints: client authentication and their errors."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from accounts.drf import error_openapi
from tokens.oauth.errors import (
    AddressNotAllowed,
    OAuthError,
    invalid_client,
    invalid_grant,
    invalid_request,
    invalid_scope,
    too_many_failures,
    unauthorized_client,
    unavailable,
    unsupported_token_type,
)

Schema = dict[str, Any]

ERROR: Schema = {
    "type": "object",
    "description": "RFC 6749, section 5.2.",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        "retry_after": {"type": "integer", "description": "With status 429: seconds."},
    },
}
ALWAYS = (
    invalid_request("…"),
    AddressNotAllowed("…"),
    invalid_client(),
    too_many_failures(60),
    unavailable(),
)
OF_THE_TOKEN_ENDPOINT = (
    OAuthError("unsupported_grant_type", "…"),
    invalid_grant("…"),
    invalid_scope("…"),
)

MORE = {
    "exchangeToken": OF_THE_TOKEN_ENDPOINT,
    "revokeOAuthToken": (unauthorized_client(), unsupported_token_type()),
}


class OAuthOperation(AutoSchema):
    def get_auth(self) -> list[dict[str, list[str]]]:
        basic = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="client",
            type=ResolvedComponent.SECURITY_SCHEMA,
            object="client",
            schema={"type": "http", "scheme": "basic"},
        )
        self.registry.register_on_missing(basic)
        # Basic, or the client's id and secret in the form.
        return [{"client": []}, {}]

    def get_operation(self, *args: Any, **kwargs: Any) -> Schema | None:
        operation: Schema | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        self.registry.register_on_missing(
            ResolvedComponent(  # type: ignore[no-untyped-call]
                name="OAuthError", type=ResolvedComponent.SCHEMA, object="OAuthError", schema=ERROR
            )
        )
        more = MORE.get(operation["operationId"], ())
        for case in (*ALWAYS, *more):
            self._add(operation["responses"], case)
        for status, response in operation["responses"].items():
            found = error_openapi.headers(int(status), identified=False)
            response["headers"] = found | response.get("headers", {})
        return operation

    def _add(self, responses: Schema, case: OAuthError) -> None:
        content: Schema = {"schema": {"$ref": "#/components/schemas/OAuthError"}, "examples": {}}
        response = responses.setdefault(
            str(case.status), {"description": case.code, "content": {"application/json": content}}
        )
        response["content"]["application/json"]["examples"][case.code] = {"value": {"error": case.code}}
