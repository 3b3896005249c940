"""Examples of the live documentation, with invented values."""

from drf_spectacular.utils import OpenApiExample

EXPIRING_IN_A_YEAR = OpenApiExample(
    "For a year",
    value={
        "name": "Nightly export",
        "description": "Copies yesterday's analytics to the warehouse.",
        "permissions": ["analytics.view", "index:read:*"],
        "expiresInDays": 365,
    },
    request_only=True,
)
NEVER_EXPIRING = OpenApiExample(
    "Never expiring",
    value={"name": "Shop", "permissions": ["inventoryPlans.view"], "expiresInDays": None},
    request_only=True,
)
NARROWING = OpenApiExample(
    "Fewer permissions, sooner expiry",
    value={"permissions": ["index:read:42"], "expiresAt": "2027-03-31T00:00:00.000Z"},
    request_only=True,
)
WITH_METADATA = OpenApiExample(
    "Metadata and limits",
    value={
        "metadata": {"customer": "4711", "environment": "production"},
        "allowedAddresses": ["203.0.113.0/24", "2001:db8::/48"],
        "requestsPerDay": 10000,
    },
    request_only=True,
)
IDENTITY = OpenApiExample(
    "A service-account token",
    value={
        "authKind": "api-token",
        "organizationId": "org_01k9zq6m2re8sbh0g3v1x5d7fj",
        "organizationName": "Example Ltd",
        "effectivePermissions": ["inventoryPlans.view", "analytics.view"],
        "tokenId": "tok_01k9zq8c4se1ktw5n9y2a6p0mh",
        "tokenName": "My integration",
        "tokenExpiresAt": "2026-12-31T23:59:59.000Z",
        "metadata": {"customer": "4711"},
        "organizationMetadata": {"region": "eu"},
    },
    response_only=True,
)
LEAK = OpenApiExample(
    "Found in a repository",
    value={
        "token": "tsr_sa_Nq4Tz8Wb2Lk6Vx0Rm3Jc7Hd1Fs5Gp9Ya2Ue6Io4Pn8Q",
        "source": "public repository",
        "url": "https://git.example.com/shop/blob/main/.env",
    },
    request_only=True,
)
GITHUB_MATCHES = OpenApiExample(
    "Found in a commit",
    value=[
        {
            "token": "tsr_sa_Nq4Tz8Wb2Lk6Vx0Rm3Jc7Hd1Fs5Gp9Ya2Ue6Io4Pn8Q",
            "type": "tessera_api_token",
            "url": "https://github.com/octocat/shop/blob/4f1d/.env",
            "source": "commit",
        }
    ],
    request_only=True,
)
