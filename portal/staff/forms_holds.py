"""What staff choose about legal holds."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.accounts.models import User
from portal.orders import queries
from portal.orders.models import Order
from portal.policies import preservation
from portal.takedowns.models import HoldReason, ReleasedBecause

ONE, ALL = "one", "all"
MOST_NAMED = 5000


class ReasonForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("Why must this not be deleted yet?"),
        choices=HoldReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason")},
    )


class HoldForm(ReasonForm):
    scope = forms.ChoiceField(
        label=_("What is held?"),
        choices=[(ONE, _("This image")), (ALL, _("All images of this case"))],
        widget=forms.RadioSelect,
        initial=ONE,
        error_messages={"required": _("Choose what is held")},
    )


class OrderHoldForm(ReasonForm):
    """For images of an order, which nobody looks at one by one: by their ids."""

    images = forms.CharField(
        label=_("Ids of the images"),
        max_length=400_000,
        help_text=_("One on each line, up to 5,000. They must be images of this order."),
        widget=forms.Textarea(attrs={"rows": 8, "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Enter the ids of the images")},
    )

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = order

    def clean_images(self) -> list[UUID]:
        try:
            named = list(dict.fromkeys(UUID(word) for word in self.cleaned_data["images"].split()))
        except ValueError:
            raise forms.ValidationError(_("Enter the ids of images, one on each line")) from None
        if len(named) > MOST_NAMED:
            raise forms.ValidationError(_("Name at most 5,000 images: divide the list"))
        foreign = set(named) - queries.of_order(self.order, named)
        if foreign:
            told = ngettext(
                "%(images)s of them is not of this order", "%(images)s of them are not of this order", len(foreign)
            )
            raise forms.ValidationError(told % {"images": len(foreign)})
        return named


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
