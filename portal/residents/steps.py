"""The order of a resident's pages, and who may open which."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.cases import actions, queries
from portal.cases.models import Case, Route
from portal.cases.states import State
from portal.core.faults import Stale

# Photo and addresses are the two forms of one step. Whether to be kept out need not be answered.
NUMBERS = {"place": 1, "contact": 2, "code": 3, "consent": 4, "photo": 5, "addresses": 5, "keep-out": 6, "check": 6}
COUNT = 6

CaseView = Callable[..., HttpResponse]  # of the request, its case, and what the address names
View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Place:
    """Where a page stands among the steps, and where its back link leads."""

    number: int
    count: int
    marks: tuple[bool, ...]
    back: str


def place_of(step: str, case: Case | None) -> Place:
    number = NUMBERS[step]
    return Place(number, COUNT, tuple(n <= number for n in range(1, COUNT + 1)), _back(step, case))


def _back(step: str, case: Case | None) -> str:
    if case is not None and step != "check" and not actions.next_step(case):
        return address("check")
    if step == "place" or case is None:
        return reverse("residents:home")
    if step == "check":
        return address(_proof_step(case))
    return address(next(name for name, number in NUMBERS.items() if number == NUMBERS[step] - 1))


def _proof_step(case: Case) -> str:
    return "addresses" if case.route == Route.ADDRESSES else "photo"


def address(step: str) -> str:
    return reverse(f"residents:{step}")


def after(case: Case) -> HttpResponse:
    """To the first page that lacks an answer, so that a changed answer leads straight back to the check."""
    return redirect(address(actions.next_step(case) or "check"))


def draft_step(step: str, *, methods: tuple[str, ...] = ("GET", "HEAD", "POST")) -> Callable[[CaseView], View]:
    """A page of a draft: only in the session that began it, only when all before it is answered."""

    def decorate(view: CaseView) -> View:
        @never_cache
        @require_http_methods(list(methods))
        def opened(request: HttpRequest, **named: int) -> HttpResponse:
            case = queries.case_of_session(request)
            if case is None:
                return begin_again(request)
            if case.state != State.DRAFT:
                return redirect("residents:case")
            if elsewhere := _instead_of(step, case):
                return redirect(address(elsewhere))
            try:
                return view(request, case, **named)
            except Stale:
                # Another window was quicker, with another answer or with the whole form.
                return redirect("residents:case")

        return update_wrapper(opened, view)

    return decorate


def _instead_of(step: str, case: Case) -> str:
    """The step that must come first, or stands here on the chosen route; empty when this one may open."""
    missing = actions.next_step(case)
    if missing and NUMBERS[missing] < NUMBERS[step]:
        return missing
    proof = _proof_step(case)
    return proof if NUMBERS[step] == NUMBERS[proof] and step != proof else ""


def own_case(view: CaseView) -> View:
    """A page about the case of this session, sent or not."""

    @never_cache
    def opened(request: HttpRequest, **named: int) -> HttpResponse:
        case = queries.case_of_session(request)
        return begin_again(request) if case is None else view(request, case, **named)

    return update_wrapper(opened, view)


def begin_again(request: HttpRequest) -> HttpResponse:
    messages.warning(
        request,
        _(
            "We do not know which request is yours. Your visit may have ended, or your browser keeps no "
            "cookies. Start a new request, or follow one that you have sent."
        ),
    )
    return redirect("residents:home")
