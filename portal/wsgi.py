"""The WSGI entry point, which portal.gunicorn_options names."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from matching import service  # noqa: E402  (its models exist from here on)

try:
    service.prepare()
except service.PackError as error:
    raise ImproperlyConfigured(str(error)) from None  # whose words the log may show
