"""OAuth endpoints, their metadata and their OpenAPI."""
