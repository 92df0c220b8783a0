"""The link to the same page in the other language."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse, translate_url
from django.utils import translation

register = template.Library()


@register.simple_tag(takes_context=True)
def same_page_in(context: dict[str, Any], language: str) -> str:
    """Where there is no such page, or no request (500.html), the start page in that language."""
    request: HttpRequest | None = context.get("request")
    try:
        if request is not None:
            resolve(request.path)
            return translate_url(request.get_full_path(), language)
    except Resolver404:
        pass
    with translation.override(language):
        return reverse("residents:home")
