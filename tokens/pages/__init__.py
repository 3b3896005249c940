"""Settings pages of credentials. Browsers enter; calls flows, and holds no rule of its own."""
