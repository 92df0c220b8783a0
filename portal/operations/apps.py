from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "portal.operations"
    label = "operations"

    def ready(self) -> None:
        # Every app's models exist only now, and the work needs them.
        from portal.jobs import kinds  # noqa: PLC0415
        from portal.operations.kinds import KINDS  # noqa: PLC0415

        kinds.register(KINDS)
