"""HTML pages of people and organizations. Browsers enter; calls flows, and holds no rule of its own."""
