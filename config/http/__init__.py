"""The outermost middleware, request checks, error pages, health and the access log."""
