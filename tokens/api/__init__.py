"""JSON endpoints of credentials. Bearers enter; calls flows, and holds no rule of its own."""
