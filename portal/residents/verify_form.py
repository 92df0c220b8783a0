"""What the page that checks a receipt takes: the receipt as a file or as text, the log's keys, a checkpoint."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.core.durations import in_words
from portal.ledger import verify
from portal.ledger.verify import Key, Rejected
from portal.policies.budgets import Budget

# A receipt with a longer opened record is checked with verify.py.
LONGEST, MOST_LINES = 1_000_000, 20_000
LONGEST_OTHER = 100_000  # characters of keys, or of a checkpoint
_PLAIN = {"spellcheck": "false", "autocomplete": "off"}


TOO_OFTEN = _("You have checked too many. Wait %(period)s, or check with verify.py instead.")


def too_often(spent: Budget) -> str:
    return TOO_OFTEN % {"period": in_words(spent.per)}


class VerifyForm(forms.Form):
    NOT_PROVEN = _("This ledger’s own keys did not sign this receipt as it stands, so there is no certificate of it.")
    TOO_LONG = _("This is longer than any that this page checks. Check it with verify.py instead.")
    TOO_LARGE = _("The file is larger than any receipt that this page checks. Check it with verify.py instead.")

    receipt_file = forms.FileField(
        label=_("The receipt"),
        help_text=_("The file attached to our mail; its name ends in .tlog-proof."),
        required=False,
        allow_empty_file=True,
    )
    receipt_text = forms.CharField(
        label=_("Or its text"),
        help_text=_("Where you scanned a code, it is filled in already."),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 4}),
    )
    key = forms.CharField(
        label=_("The ledger’s public key"),
        help_text=_("Filled in is what this site says. Compare it with what a regulator says, or put theirs here."),
        error_messages={"required": _("Enter the ledger’s public key; a regulator can tell you.")},
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 2}),
    )
    checkpoint = forms.CharField(
        label=_("A checkpoint from someone else (optional)"),
        help_text=_(
            "The text of one that a regulator, or anyone but us, has kept: it shows whether they see the same ledger."
        ),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 4}),
    )

    @classmethod
    def too_large(cls, *, key: str) -> "VerifyForm":
        form = cls({"key": key})
        form.full_clean()
        form.errors.clear()
        form.add_error("receipt_file", cls.TOO_LARGE)
        return form

    def clean_key(self) -> list[Key]:
        try:
            return verify.parse_keys(self._short("key").encode())
        except Rejected as rejected:
            raise ValidationError(rejected.in_words(language())) from None

    def clean_checkpoint(self) -> list[bytes]:
        text = self._short("checkpoint")
        return [text.encode()] if text.strip() else []

    def _short(self, name: str) -> str:
        text: str = self.cleaned_data[name]
        if len(text) > LONGEST_OTHER:
            raise ValidationError(self.TOO_LONG)
        return text

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file = cleaned.get("receipt_file")
        receipt = file.read(LONGEST + 1) if file else cleaned.get("receipt_text", "").encode()
        if not receipt.strip():
            self.add_error("receipt_file", _("Choose the receipt file, or paste its text."))
        elif len(receipt) > LONGEST or receipt.count(b"\n") + receipt.count(b"\r") > 2 * MOST_LINES:
            self.add_error("receipt_file", self.TOO_LARGE)
        return {**cleaned, "receipt": receipt}


def language() -> str:
    """The one that is active, as far as verify.py speaks it."""
    active = get_language() or "en"
    return active if active in verify.SENTENCES else "en"
