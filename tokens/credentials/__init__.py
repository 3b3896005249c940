"""Authentication of requests: from a bearer token to a Credential, by the cache or one SELECT."""
