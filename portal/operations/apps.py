from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "portal.operations"
    label = "operations"

    def ready(self) -> None:
        # Every app's models exist only now, and the work needs them.
        from matching import service  # noqa: PLC0415
        from portal.blocks.sealer import Sealer  # noqa: PLC0415
        from portal.jobs import kinds  # noqa: PLC0415
        from portal.ledger import publication as ledger  # noqa: PLC0415
        from portal.operations import note_kinds, publication  # noqa: PLC0415
        from portal.operations.job_kinds import KINDS  # noqa: PLC0415

        kinds.register(KINDS)
        service.use_block_sealer(Sealer())
        note_kinds.register()
        ledger.use_tell(publication.tell)
