"""Fields that clean what was pasted before they judge it."""

from typing import Any

from django import forms
from django.core.validators import validate_email

from portal.core import mail_addresses, pasted


class PastedField(forms.CharField):
    """A text without what nobody sees."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(pasted.plain(str(value or "")))
        return str(text or "")


class MailField(forms.EmailField):
    """A mail address in its one form; one whose domain IDNA 2008 has no form for is none."""

    def to_python(self, value: Any) -> str:
        written = mail_addresses.normal(str(value or ""))
        if not written.isascii():  # what Django takes for a domain in another script, it would write to by other rules
            raise forms.ValidationError(self.error_messages.get("invalid", validate_email.message), code="invalid")
        return written

    def prepare_value(self, value: Any) -> Any:
        return mail_addresses.shown(value) if isinstance(value, str) else value
