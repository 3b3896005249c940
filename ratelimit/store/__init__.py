"""The only code that speaks to Redis. It never uses SQL."""
