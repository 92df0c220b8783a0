"""What staff type about the recipients of notices."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.core.fields import MailField, PastedField
from portal.notices.models import Channel, SettledBecause


class ChannelForm(forms.Form):
    channel = forms.ChoiceField(
        label=_("How is this recipient told?"),
        choices=[(Channel.WEBHOOK.value, Channel.WEBHOOK.label), (Channel.MAIL.value, Channel.MAIL.label)],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how")},
    )
    endpoint = PastedField(
        label=_("Address of the webhook, or mail address"),
        max_length=500,
        error_messages={"required": _("Enter an address")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    language = forms.ChoiceField(label=_("Language of mails"), choices=[("en", "English"), ("fr", "Français")])

    def clean(self) -> None:
        if self.cleaned_data.get("channel") == Channel.MAIL:
            try:
                self.cleaned_data["endpoint"] = MailField().clean(self.cleaned_data.get("endpoint"))
            except ValidationError:
                self.add_error("endpoint", _("Enter a mail address, such as privacy@client.example"))


class SettleForm(forms.Form):
    because = forms.ChoiceField(choices=SettledBecause.choices)
