"""Titles of the laws in `policies.statutes`, which is free of Django and so cannot be translated."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TITLES: dict[str, Promise] = {
    "ca-pipeda": _("Personal Information Protection and Electronic Documents Act"),
    "ca-qc-p39": _("Act respecting the protection of personal information in the private sector"),
    "ca-bc-pipa": _("Personal Information Protection Act (British Columbia)"),
    "ca-ab-pipa": _("Personal Information Protection Act (Alberta)"),
    "eu-gdpr": _("General Data Protection Regulation"),
    "uk-gdpr": _("UK General Data Protection Regulation"),
    "us-ca-ccpa": _("California Consumer Privacy Act"),
}
