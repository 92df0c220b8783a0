"""What staff type and choose."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from matching.types import Scope
from portal.accounts.models import User
from portal.audit.seen import Unseen
from portal.blocks.models import Ground
from portal.cases.models import RefusalReason, TakenOff, UnlockPurpose
from portal.core import pasted
from portal.core.fields import PastedField
from portal.core.uploads import LARGEST_UPLOAD
from portal.orders import lists
from portal.orders.faults import Unreadable

DELETE, LEAVE = "delete", "leave"
CHOICES = [(DELETE, _("Delete")), (LEAVE, _("Leave"))]


TOO_MANY_UNLOCKS = _(
    "You have unlocked faces as often as one person may for now. Ask a colleague to go on with this case, or come back "
    "later."
)
NOTHING_FOUND = _("There is no case with this reference")


class ReferenceForm(forms.Form):
    """The one look-up there is: staff never search by person."""

    reference = PastedField(
        label=_("Reference"),
        max_length=12,
        error_messages={"required": _("Enter a reference")},
        validators=[RegexValidator(r"^\s*[0-9A-Za-z]{4}-[0-9A-Za-z]{4}\s*$", NOTHING_FOUND)],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


class ApproveForm(forms.Form):
    """`images`: the numbers of matches that one person may decide, all ticked at first.

    A field called "matches" would hide the method of that name that scripts call on a form.
    """

    images = forms.TypedMultipleChoiceField(
        label=_("Images to delete"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Tick at least one image"),
            "invalid_choice": _("One of these images was decided meanwhile. Look at them again"),
        },
    )

    def __init__(self, *args: Any, candidates: Iterable[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["images"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [(str(pk), str(pk)) for pk in candidates]
        field.initial = [pk for pk, _label in field.choices]


class DecideForm(forms.Form):
    """One choice a match, named `match-<number>`."""

    def __init__(self, *args: Any, candidates: Iterable[tuple[int, int, str | None]], **kwargs: Any) -> None:
        """candidates: (number of the match, its place on the page, what is chosen at first)."""
        super().__init__(*args, **kwargs)
        for pk, place, initial in candidates:
            self.fields[f"match-{pk}"] = forms.ChoiceField(
                label=_("Image %(place)s") % {"place": place},
                choices=CHOICES,
                widget=forms.RadioSelect,
                initial=initial,
                error_messages={"required": _("Choose for image %(place)s") % {"place": place}},
            )

    def reject_unseen(self, fault: Unseen) -> None:
        for pk in fault.numbers("match"):
            label = self.fields[f"match-{pk}"].label
            self.add_error(
                f"match-{pk}", _("%(image)s: unlock the faces and look at it before you decide it") % {"image": label}
            )
        if fault.numbers("photo"):
            self.add_error(None, _("Unlock the faces and look at the subject’s photo before you decide"))

    def chosen(self) -> list[int]:
        """The matches to delete; the others are left."""
        return [int(name.split("-")[1]) for name, choice in self.cleaned_data.items() if choice == DELETE]


class RefuseForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("Why should this case be refused?"),
        choices=RefusalReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason")},
    )


class UnlockForm(forms.Form):
    purpose = forms.ChoiceField(
        label=_("What do you need to see the faces for?"),
        help_text=_("The purpose, your name and each picture you look at are written into the audit trail."),
        choices=UnlockPurpose.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a purpose")},
    )


class ReassignForm(forms.Form):
    away_from = forms.ModelChoiceField(
        label=_("Whose cases are drawn anew?"),
        queryset=User.objects.none(),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a colleague"), "invalid_choice": _("Choose a colleague")},
    )
    reference = forms.CharField(
        label=_("Only the case with this reference"),
        max_length=12,
        required=False,
        help_text=_("Leave it empty for all that they have not decided."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    because = forms.ChoiceField(
        label=_("Why?"),
        choices=[(each.value, each.label) for each in TakenOff.by_a_supervisor()],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason")},
    )

    def __init__(self, *args: Any, colleagues: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["away_from"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = colleagues


class OrderForm(forms.Form):
    """Who demands what: a scope with at least one bound, or a list of images. `scope` and `images` once it is valid."""

    authority = forms.CharField(
        label=_("Who demands it"),
        max_length=120,
        help_text=_("The regulator or court, as it names itself."),
        error_messages={"required": _("Enter who demands it")},
    )
    reference = forms.CharField(
        label=_("Their reference"),
        max_length=80,
        help_text=_("The number of the order or of their file."),
        error_messages={"required": _("Enter their reference")},
    )
    site = forms.CharField(
        label=_("Site"),
        max_length=255,
        required=False,
        help_text=_("Images found on this site, for example photos.example"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    country = forms.CharField(
        label=_("Country"),
        required=False,
        help_text=_("Two letters, as recorded when the image was harvested: CA, FR, US"),
        validators=[RegexValidator(r"^\s*[A-Za-z]{2}\s*$", _("Enter a country as two letters"))],
    )
    harvested_from = forms.DateField(
        label=_("Harvested from"),
        required=False,
        help_text=_("As year-month-day"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("Enter the first day as year-month-day, for example 2026-03-14")},
    )
    harvested_until = forms.DateField(
        label=_("Harvested until"),
        required=False,
        help_text=_("As year-month-day; that day is included"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("Enter the last day as year-month-day, for example 2026-03-14")},
    )
    file = forms.FileField(
        label=_("Or a list of images"),
        required=False,
        help_text=_("A CSV file, up to 10 MB: in its first column the id of an image, or an address, on each line"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    scope = Scope()
    images: list[UUID] | None = None

    def clean_file(self) -> bytes | None:
        file = self.cleaned_data["file"]
        if file is None:
            return None
        if file.size > LARGEST_UPLOAD:
            raise forms.ValidationError(_("The file is larger than 10 MB: divide it"))
        return bytes(file.read())

    def clean(self) -> None:
        super().clean()
        if self.errors:
            return
        given = self.cleaned_data
        self.scope = Scope(
            site=given["site"].strip().lower(),
            country=given["country"].strip().upper(),
            harvested_from=given["harvested_from"],
            harvested_until=given["harvested_until"],
        )
        if (self.scope == Scope()) == (given["file"] is None):
            raise forms.ValidationError(_("Give a site, a country or days, or else a list: one of the two"))
        if given["harvested_from"] and given["harvested_until"] and given["harvested_from"] > given["harvested_until"]:
            self.add_error("harvested_until", _("The last day is before the first"))
        if given["file"] is not None:
            self._read(given["file"])

    def _read(self, content: bytes) -> None:
        try:
            self.images = lists.images(content)
        except Unreadable as fault:
            self.add_error("file", str(fault))


class ExemptionForm(forms.Form):
    address = PastedField(
        label=_("Address of the page or of the image"),
        max_length=pasted.LONGEST_ADDRESS,
        error_messages={"required": _("Enter the address")},
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    ground = forms.ChoiceField(
        label=_("Why"),
        choices=Ground.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Select why"), "invalid_choice": _("Select one of the two")},
    )

    def clean_address(self) -> str:
        try:
            (address,) = pasted.web_addresses(self.cleaned_data["address"])
        except ValueError:  # none, or several
            raise forms.ValidationError(
                _("Enter an address in the right form, like https://example.com/page")
            ) from None
        return pasted.endings(address)[-1]
