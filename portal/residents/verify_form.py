"""What the page that checks a receipt takes: the receipt as a file or as text, the log's keys, a checkpoint."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.ledger import verify
from portal.ledger.verify import Key, Rejected

# A receipt with a longer opened record is checked with verify.py.
LONGEST = 1_000_000
_PLAIN = {"spellcheck": "false", "autocomplete": "off"}


class VerifyForm(forms.Form):
    NOT_PROVEN = _("This receipt does not check out, so there is no certificate of it.")
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
    def too_large(cls) -> "VerifyForm":
        form = cls({})
        form.full_clean()
        form.errors.clear()
        form.add_error("receipt_file", cls.TOO_LARGE)
        return form

    def clean_key(self) -> list[Key]:
        try:
            return [verify.parse_key(line) for line in self.cleaned_data["key"].splitlines() if line.strip()]
        except Rejected:
            raise ValidationError(
                _("That is not a ledger’s public key: name, + and letters, as we print it.")
            ) from None

    def clean_checkpoint(self) -> list[bytes]:
        text = _lines(self.cleaned_data["checkpoint"])
        return [text.encode()] if text.strip() else []

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file = cleaned.get("receipt_file")
        receipt = file.read(LONGEST + 1) if file else _lines(cleaned.get("receipt_text", "")).encode()
        if not receipt.strip():
            self.add_error("receipt_file", _("Choose the receipt file, or paste its text."))
        elif len(receipt) > LONGEST:
            self.add_error("receipt_file", self.TOO_LARGE)
        return {**cleaned, "receipt": receipt}


def _lines(text: str) -> str:
    """Browsers send line ends as CRLF, and people paste without the last one; signed texts are exact."""
    plain = text.replace("\r\n", "\n").strip("\n")
    return f"{plain}\n" if plain else ""
