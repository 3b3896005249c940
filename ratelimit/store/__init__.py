"""The only code that speaks to Redis, and never to SQL. The limiter, attempts and usage enter."""
