"""The request path, from a bearer to a Credential. Middleware enters; touches one SELECT and the cache."""
