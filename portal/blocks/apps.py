from django.apps import AppConfig


class BlocksConfig(AppConfig):
    name = "portal.blocks"
    label = "blocks"
