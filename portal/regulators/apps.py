from django.apps import AppConfig


class RegulatorsConfig(AppConfig):
    name = "portal.regulators"
    label = "regulators"
