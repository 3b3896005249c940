"""What gunicorn serves."""

import os

import django
from django.conf import settings

from config.http.request import TolerantHandler
from config.postgres.pool import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)
# Requests are answered in time; commands, such as a migration, take the time that they need.
Connection.longest = settings.DATABASE_TIMEOUT_SECONDS or None
application = TolerantHandler()
