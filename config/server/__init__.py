"""What gunicorn.conf.py hooks in."""
