"""What gunicorn serves."""

import os

import django

from config.request import TolerantHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)
application = TolerantHandler()
