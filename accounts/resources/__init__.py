"""What an organization's own product names: indexes and end users."""
