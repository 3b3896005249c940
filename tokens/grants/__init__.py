"""The grant engine: families of refresh tokens, their rotation and their status. No HTTP."""
