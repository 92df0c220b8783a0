"""Whether this installation works, for load balancers and for the supervisor. Says nothing about cases."""

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse

from matching import service
from portal.core import clock
from portal.jobs.models import Heartbeat
from portal.policies import operations


def healthz(_request: HttpRequest) -> JsonResponse:
    """200 when the database answers; `worker` tells whether the last sweep was recent.

    `decoder`: whether what decodes photos is held by a filter of system calls; null before the first photo.
    """
    try:
        beat = Heartbeat.objects.filter(part="worker").first()
    except DatabaseError:
        return JsonResponse({"database": False, "worker": False}, status=503)
    alive = beat is not None and beat.at > clock.now() - operations.SILENT_AFTER
    return JsonResponse({"database": True, "worker": alive, "decoder": service.is_decoder_confined()})
