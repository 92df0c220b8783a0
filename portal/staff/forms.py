"""What staff type and choose."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from portal.cases.models import RefusalReason, UnlockPurpose

DELETE, LEAVE = "delete", "leave"
CHOICES = [(DELETE, _("Delete")), (LEAVE, _("Leave"))]


TOO_MANY_UNLOCKS = _(
    "You have unlocked faces as often as one person may in a day. Ask a colleague to go on with this case, or wait "
    "until tomorrow."
)
NOTHING_FOUND = _("There is no case with this reference")


class ReferenceForm(forms.Form):
    """The one look-up there is: staff never search by person."""

    reference = forms.CharField(
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

    def reject_unseen(self, matches: Iterable[int]) -> None:
        for pk in matches:
            label = self.fields[f"match-{pk}"].label
            self.add_error(
                f"match-{pk}", _("%(image)s: unlock the faces and look at it before you delete it") % {"image": label}
            )

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
