"""Reports, charts and a forecast of calls, and which permissions and networks they used."""
