"""The PostgreSQL back end: query timeouts and a connection pool."""
