"""Errors of the session endpoints, beyond those of the resource API."""

from accounts import errors
from accounts.errors import ErrorCode

INVALID_CREDENTIALS = ErrorCode(401, "Invalid e-mail or password", "invalid_credentials", "")
MFA_REQUIRED = ErrorCode(401, "A code of the second factor is required", "mfa_required", "")
INVALID_CODE = ErrorCode(401, "Invalid code", "invalid_code", "")
INVALID_REFRESH_TOKEN = ErrorCode(401, "Invalid refresh token", "invalid_refresh_token", "")
EMAIL_NOT_VERIFIED = ErrorCode(403, "Confirm your e-mail address first", "email_not_verified")
NO_MEMBERSHIP = ErrorCode(403, "You do not belong to this organization", "no_membership")
ORGANIZATION_SUSPENDED = ErrorCode(403, "The organization is suspended", "organization_suspended")
SESSION_REQUIRED = errors.SESSION_REQUIRED
