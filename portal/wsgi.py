"""The WSGI entry point: `gunicorn portal.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from matching import service  # noqa: E402  (its models exist from here on)

service.prepare()
