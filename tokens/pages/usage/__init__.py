"""Settings pages that show usage."""
