"""Pages that say the same to everyone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.cases import queries
from portal.cases.states import State
from portal.residents import retention_table


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    case = queries.case_of_session(request)
    unfinished = case is not None and case.state == State.DRAFT
    return render(request, "residents/home.html", {"unfinished": unfinished})


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "residents/about.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "residents/privacy.html", {"kept": list(retention_table.rows())})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "residents/accessibility.html")
