"""Usage figures from Redis and SQL, and their periodic copy to DailyUsage and HourlyUsage."""
