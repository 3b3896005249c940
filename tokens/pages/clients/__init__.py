"""Settings pages of OAuth clients."""
