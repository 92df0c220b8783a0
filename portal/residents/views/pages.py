"""Pages that say the same to everyone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.cases import queries
from portal.cases.states import State
from portal.policies import contacts
from portal.residents import retention_table, turn_to


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    case = queries.case_of_session(request)
    unfinished = case is not None and case.state == State.DRAFT
    return render(request, "residents/home.html", {"unfinished": unfinished})


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "residents/about.html", {"regulators": list(turn_to.regulators())})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    regulators = list(turn_to.regulators())
    return render(request, "residents/privacy.html", {"kept": list(retention_table.rows()), "regulators": regulators})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "residents/accessibility.html")


@require_safe
def help_and_contacts(request: HttpRequest) -> HttpResponse:
    context = {"regulators": list(turn_to.regulators()), "services": list(turn_to.services())}
    return render(request, "residents/help.html", context)


@never_cache
@require_safe
def leave_at_once(request: HttpRequest) -> HttpResponse:
    """To a page that says nothing of this one. The visit ends if the link was pressed here, not on another site."""
    if _was_pressed_here(request):
        queries.unbind(request)
    return redirect(contacts.HARMLESS_PAGE.of(get_language() or "en"))


def _was_pressed_here(request: HttpRequest) -> bool:
    """By what every browser sends of itself since 2023; older ones say from which page they come."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    page = request.headers.get("Referer", "")
    return page.startswith("http") and url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()})
