"""The WSGI entry point, which portal.gunicorn_options names."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402  (they can be read from here on)

from portal.core import env  # noqa: E402

if fault := env.unsafe(
    site_url=settings.SITE_URL, secret_key=settings.SECRET_KEY, demo=settings.DEMO, debug=settings.DEBUG
):
    raise ImproperlyConfigured(fault)

from matching import service  # noqa: E402  (its models exist from here on)
from matching.errors import PackError  # noqa: E402

try:
    service.prepare()
except PackError as error:
    raise ImproperlyConfigured(str(error)) from None  # whose words the log may show
