"""What programs may read. Whoever may not read something is told that it does not exist."""

from dataclasses import asdict

from django.http import Http404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.accounts.access import has_role
from portal.accounts.models import Role
from portal.audit import append
from portal.audit.tags import Tag
from portal.cases import queries as cases
from portal.statistics import queries as statistics

# Nothing here is kept by a browser or by what lies between.
PRIVATE = {"Cache-Control": "no-store, private"}


class CaseView(APIView):
    """The announced state of the session's case: what its subject is told on the page, and no more."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    http_method_names = ["get"]  # noqa: RUF012  # Django declares a plain list

    def get(self, request: Request) -> Response:
        case = cases.case_of_session(request._request)
        if case is None:
            raise Http404
        return Response(asdict(cases.announced(case)), headers=PRIVATE)


class StatisticsView(APIView):
    """The regulator's numbers. Durations are seconds."""

    permission_classes = (AllowAny,)
    http_method_names = ["get"]  # noqa: RUF012  # Django declares a plain list

    def get(self, request: Request) -> Response:
        if not has_role(request.user, Role.REGULATOR):
            raise Http404
        append.append(Tag.STATISTICS_VIEWED, about="numbers", actor=request.user.pk, form="json")
        newest = statistics.released()
        if newest is None:
            raise Http404
        return Response(
            {"released_at": newest.at, "states": newest.numbers.states, **asdict(newest.numbers)}, headers=PRIVATE
        )
