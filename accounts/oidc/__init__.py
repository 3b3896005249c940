"""OpenID Connect client of identity providers. Touches the network, no table."""
