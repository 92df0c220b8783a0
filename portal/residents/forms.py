"""One form a page. Every message says what to do next."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from matching.types import PhotoFault
from portal.blocks import codes
from portal.cases import places
from portal.cases.faults import CodeExpired, TooManyCases, TooManyCodes, WrongCode
from portal.cases.models import Route
from portal.core import base32, pasted
from portal.core.durations import in_words
from portal.core.fields import MailField, PastedField
from portal.policies import budgets, statutes
from portal.residents import photo_faults

MOST_ADDRESSES = 50
MOST_TOLD = 20  # lines

TOO_MANY_CODES = _("We have sent as many codes as we may for now. Wait %(period)s, then try again.")
TOO_MANY_CASES = _("We have begun as many new requests as we may for now. Wait %(period)s, then try again.")
TOO_MANY_PHOTOS = _("You have sent as many photos as we may check for now. Wait %(period)s, then try again.")
BUSY = _("We are checking other photos just now. Wait a moment, then choose the photo again. Nothing else was lost.")
ENOUGH_PHOTOS = _("You have given as many photos as we can use. Remove one to add another.")
CODE_EXPIRED = _("This code no longer works. Ask for a new code.")
WRONG_CODE = ngettext_lazy(
    "The code is not right. Check it and enter it again; you have %(left)d more try.",
    "The code is not right. Check it and enter it again; you have %(left)d more tries.",
    "left",
)


def sentence(fault: WrongCode | CodeExpired | TooManyCodes | TooManyCases) -> str:
    if isinstance(fault, WrongCode):
        return WRONG_CODE % {"left": fault.tries_left}
    if isinstance(fault, CodeExpired):
        return str(CODE_EXPIRED)
    if isinstance(fault, TooManyCases):
        return TOO_MANY_CASES % {"period": in_words(budgets.CASES_OF_A_VISITOR.per)}
    return TOO_MANY_CODES % {"period": in_words(budgets.CODES.per)}


def too_many_photos() -> str:
    return TOO_MANY_PHOTOS % {"period": in_words(budgets.PHOTOS.per)}


class PlaceForm(forms.Form):
    place = forms.ChoiceField(
        label=_("Where do you live?"),
        help_text=_("The law of that place says by when we must answer you."),
        choices=[(code, places.NAMES[code]) for code in statutes.PLACES],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Select where you live."),
            "invalid_choice": _("Select a place from the list."),
        },
    )


def _mail_field(label: Any, hint: Any) -> MailField:
    return MailField(
        label=label,
        help_text=hint,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": _("Enter your email address."),
            "invalid": _("Enter an email address in the right form, like name@example.com."),
            "max_length": _("Enter an email address of at most 254 characters."),
        },
    )


class ContactForm(forms.Form):
    contact = _mail_field(
        _("What is your email address?"),
        _("We send a code to it, and later the news that we have finished. We use it for nothing else."),
    )


class CodeForm(forms.Form):
    code = PastedField(
        label=_("Enter the code we sent you"),
        help_text=_("The code is six digits."),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
                "maxlength": "12",
            }
        ),
        error_messages={"required": _("Enter the code."), "max_length": _("The code is six digits.")},
    )

    def clean_code(self) -> str:
        code = re.sub(r"[\s-]", "", self.cleaned_data["code"])
        if not re.fullmatch(r"[0-9]{6}", code):
            raise ValidationError(_("The code is six digits. Check the mail and enter it again."))
        return code


class ConsentForm(forms.Form):
    route = forms.ChoiceField(
        label=_("How do you want to show us which images are yours?"),
        choices=Route.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Select how you want to show us which images are yours."),
            "invalid_choice": _("Select one of the two ways."),
        },
    )
    agreed = forms.BooleanField(
        label=_("I agree to this use, for this purpose only"),
        error_messages={"required": _("Tick the box if you agree. Without it we may not use what you give us.")},
    )


class PhotoForm(forms.Form):
    photo = forms.FileField(
        label=_("Choose or take a photo"),
        help_text=_("On a phone you can take it now. JPEG, PNG, WebP or HEIC, at most 10 MB and 25 megapixels."),
        # Named one by one: `image/*` would offer kinds that are refused. Some browsers know HEIC by its ending only.
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/heic,image/heif,.heic,.heif"}),
        error_messages={
            "required": _("Choose a photo of your face."),
            "empty": _("The file is empty. Choose the photo again."),
            "invalid": _("Choose a photo of your face."),
            "missing": _("Choose a photo of your face."),
        },
    )

    @classmethod
    def rejected(cls, fault: PhotoFault) -> "PhotoForm":
        """The form as it answers a request that was not read."""
        form = cls(data={}, files=MultiValueDict())
        form.errors.clear()
        form.reject(fault)
        return form

    def reject(self, fault: PhotoFault) -> None:
        self.add_error("photo", str(photo_faults.SENTENCES[fault]))


YES, NO = "yes", "no"


class KeepOutForm(forms.Form):
    """Neither answer is chosen beforehand."""

    keep_out = forms.ChoiceField(
        label=_("Do you want us to keep you out of the index from now on?"),
        choices=[(YES, _("Yes, keep a template of my face to keep me out")), (NO, _("No, keep nothing of me"))],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Select whether you want to be kept out."),
            "invalid_choice": _("Select one of the two answers."),
        },
    )
    recoverable = forms.BooleanField(
        label=_("If yes: keep my email address too, to mail me the code if I lose it"),
        help_text=_("It is encrypted together with the code, and destroyed when you end being kept out."),
        required=False,
    )


class LostCodeForm(forms.Form):
    address = _mail_field(_("The email address that you left"), _("The one that your request was made with."))


class KeepOutCodeForm(forms.Form):
    code = PastedField(
        label=_("Your keep-out code"),
        help_text=_("Twenty letters and digits. You saw it when you sent your request."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
        error_messages={
            "required": _("Enter your keep-out code."),
            "max_length": _("The code is twenty letters and digits."),
        },
    )

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not codes.plain(code):
            raise ValidationError(_("The code is twenty letters and digits. Check it and enter it again."))
        return code


class AddressesForm(forms.Form):
    addresses = PastedField(
        label=_("Where are the images?"),
        help_text=_("Give the web address of each image, or of the page it is on. One address a line, at most 50."),
        widget=forms.Textarea(attrs={"rows": "8", "autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
        error_messages={"required": _("Give at least one web address.")},
    )

    def clean_addresses(self) -> list[str]:
        given: dict[str, None] = {}
        wrong: dict[tuple[pasted.Fault, str], list[str]] = {}
        for number, line in enumerate(self.cleaned_data["addresses"].splitlines(), 1):
            if line.strip():
                try:
                    given |= dict.fromkeys(pasted.web_addresses(line))
                except pasted.Unusable as unusable:
                    wrong.setdefault((unusable.fault, unusable.named), []).append(str(number))
        if wrong:
            raise ValidationError([_wrong(*what, lines) for what, lines in wrong.items()])
        if over := max(0, len(given) - MOST_ADDRESSES):
            raise ValidationError(_TOO_MANY, params={"given": len(given), "over": over})
        return list(given)


_TOO_MANY = ngettext_lazy(
    "You gave %(given)d addresses: %(over)d more than the 50 of one request. You can make a second request for it.",
    "You gave %(given)d addresses: %(over)d more than the 50 of one request. You can make a second request for them.",
    "over",
)
_WRONG_LINES = {
    pasted.Fault.NO_ADDRESS: ngettext_lazy(
        "Line %(lines)s is not a web address. Write it as in https://example.com/photo.jpg.",
        "Lines %(lines)s are not web addresses. Write them as in https://example.com/photo.jpg.",
        "count",
    ),
    pasted.Fault.SCHEME: ngettext_lazy(
        "Line %(lines)s begins with “%(named)s:”. We can look for addresses that begin with https: or http: only.",
        "Lines %(lines)s begin with “%(named)s:”. We can look for addresses that begin with https: or http: only.",
        "count",
    ),
    pasted.Fault.PORT: ngettext_lazy(
        "Line %(lines)s names “%(named)s” as a port, the number behind the colon. A port is a number from 1 to 65535.",
        "Lines %(lines)s name “%(named)s” as a port, the number behind the colon. A port is a number from 1 to 65535.",
        "count",
    ),
    pasted.Fault.TOO_LONG: ngettext_lazy(
        "Line %(lines)s is longer than the 8000 characters that an address can have.",
        "Lines %(lines)s are longer than the 8000 characters that an address can have.",
        "count",
    ),
}


def _wrong(fault: pasted.Fault, named: str, lines: list[str]) -> ValidationError:
    told = ", ".join(lines[:MOST_TOLD] + ["…"] * (len(lines) > MOST_TOLD))
    return ValidationError(_WRONG_LINES[fault], params={"lines": told, "count": len(lines), "named": named})


class ReturnForm(forms.Form):
    reference = PastedField(
        label=_("Reference of your request"),
        help_text=_("Eight letters and digits, for example 7K3M-Q9TX. It is in our first mail to you."),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
                "autocapitalize": "characters",
                "maxlength": "20",
            }
        ),
        error_messages={
            "required": _("Enter the reference of your request."),
            "max_length": _("Enter the reference as in our mail, for example 7K3M-Q9TX."),
        },
    )
    contact = _mail_field(_("Your email address"), _("The one you gave with the request."))

    def clean_reference(self) -> str:
        # References hold no O, I or L: who writes one read a zero or a one.
        written = base32.as_meant(self.cleaned_data["reference"])
        letters = re.sub(r"[^0-9A-Z]", "", written)
        if len(letters) != 8:
            raise ValidationError(_("Enter the reference as in our mail, for example 7K3M-Q9TX."))
        return f"{letters[:4]}-{letters[4:]}"
