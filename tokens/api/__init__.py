"""JSON endpoints of credentials. They call the flows and contain no rules of their own."""
