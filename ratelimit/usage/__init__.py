"""What was used: reads Redis and SQL, writes DailyUsage and HourlyUsage."""
