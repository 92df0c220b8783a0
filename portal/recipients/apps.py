from django.apps import AppConfig


class RecipientsConfig(AppConfig):
    name = "portal.recipients"
    label = "recipients"
