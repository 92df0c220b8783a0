"""The WSGI entry point: `gunicorn portal.wsgi:application`."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from matching import service  # noqa: E402  (its models exist from here on)
from matching.errors import PackError  # noqa: E402

try:
    service.prepare()
except PackError as error:
    raise ImproperlyConfigured(str(error)) from None  # whose words the log may show
