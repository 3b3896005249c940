"""JSON endpoints of people and organizations. They call the flows and contain no rules of their own."""
