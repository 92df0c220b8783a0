from django.apps import AppConfig


class TakedownsConfig(AppConfig):
    name = "portal.takedowns"
    label = "takedowns"
