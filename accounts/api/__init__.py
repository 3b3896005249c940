"""JSON endpoints of people and organizations. Bearers enter; calls flows, and holds no rule of its own."""
