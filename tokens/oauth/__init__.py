"""RFC 6749, 7009 and 7662 as functions, and OAuth clients. No HTTP objects."""
