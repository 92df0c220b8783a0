"""What every page needs to know about the site."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal.core import operator_contact


def site(request: HttpRequest) -> dict[str, Any]:
    return {"demo": settings.DEMO, "operator": settings.OPERATOR_NAME, "contact": operator_contact.contact()}
