"""Whether this installation works, for load balancers and for the supervisor. Says nothing about cases."""

from datetime import timedelta

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse

from matching import service
from portal.core import clock
from portal.jobs.models import Heartbeat

SILENT_FOR = timedelta(minutes=3)


def healthz(_request: HttpRequest) -> JsonResponse:
    """200 when the database answers; `worker` tells whether the last sweep was recent.

    `decoder`: whether what decodes photos is held by a filter of system calls; null before the first photo.
    """
    try:
        beat = Heartbeat.objects.filter(part="worker").first()
    except DatabaseError:
        return JsonResponse({"database": False, "worker": False}, status=503)
    alive = beat is not None and beat.at > clock.now() - SILENT_FOR
    return JsonResponse({"database": True, "worker": alive, "decoder": service.is_decoder_confined()})
