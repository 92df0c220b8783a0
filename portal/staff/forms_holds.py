"""What staff choose about legal holds."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.policies import preservation
from portal.takedowns.models import HoldReason, ReleasedBecause

ONE, ALL = "one", "all"


class HoldForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("Why must this not be deleted yet?"),
        choices=HoldReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason")},
    )
    scope = forms.ChoiceField(
        label=_("What is held?"),
        choices=[(ONE, _("This image")), (ALL, _("All images of this case"))],
        widget=forms.RadioSelect,
        initial=ONE,
        error_messages={"required": _("Choose what is held")},
    )


class ReportForm(forms.Form):
    under = forms.ChoiceField(choices=[(duty.code, duty.report_to) for duty in preservation.ALL.values()])
    reported_on = forms.DateField()


class ReleaseForm(forms.Form):
    because = forms.ChoiceField(choices=ReleasedBecause.choices)


class HandOverForm(forms.Form):
    to = forms.ModelChoiceField(
        label=_("Who takes the place?"),
        queryset=User.objects.none(),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a colleague"), "invalid_choice": _("Choose a colleague")},
    )

    def __init__(self, *args: Any, successors: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = successors
