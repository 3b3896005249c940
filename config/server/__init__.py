"""Hooks of gunicorn.conf.py: worker, shutdown, housekeeping process."""
