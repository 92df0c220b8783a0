"""Whom to write to at the operator, as every page and every mail names them."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class Contact:
    mail: str
    officer: str
    post: str  # empty where the operator gave none


def contact() -> Contact:
    return Contact(mail=settings.OPERATOR_CONTACT, officer=settings.PRIVACY_OFFICER, post=settings.OPERATOR_ADDRESS)
