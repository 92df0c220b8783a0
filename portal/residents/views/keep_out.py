"""The page of whoever asked to be kept out: opened with the code alone, after the request is long forgotten."""

from collections.abc import Callable
from functools import update_wrapper

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.blocks import choices, queries, recovery
from portal.blocks.models import Choice
from portal.core import limits, visitors
from portal.core.durations import in_words
from portal.policies import budgets, retention
from portal.residents.forms import KeepOutCodeForm, LostCodeForm

_SESSION_KEY = "keep-out"

ChoiceView = Callable[[HttpRequest, Choice], HttpResponse]
View = Callable[[HttpRequest], HttpResponse]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    form = KeepOutCodeForm(request.POST or None)
    if form.is_valid():
        choice = _found(request, form)
        if choice is not None:
            request.session.cycle_key()
            request.session[_SESSION_KEY] = str(choice.pk)
            return redirect("residents:keep-out-yours")
    return render(request, "residents/keep_out_code.html", {"form": form, "asleep": queries.any_asleep()})


def _found(request: HttpRequest, form: KeepOutCodeForm) -> Choice | None:
    visitor = visitors.address_of(request)
    if not limits.spend("keep-out-code", visitor, budgets.KEEP_OUT_CODES):
        wait = in_words(budgets.KEEP_OUT_CODES.per)
        form.add_error("code", _("You have tried too many codes. Wait %(period)s, then try again.") % {"period": wait})
        return None
    choice = choices.of_code(form.cleaned_data["code"])
    if choice is None:
        form.add_error("code", _("We do not know this code. It was ended, its time is over, or it is mistyped."))
    return choice


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def lost(request: HttpRequest) -> HttpResponse:
    """The same answer to every address; it is looked for later."""
    form = LostCodeForm(request.POST or None)
    if form.is_valid():
        visitor = visitors.address_of(request)
        of_visitor, of_all = budgets.LOST_CODES, budgets.LOST_CODES_OF_ALL
        if limits.spend("keep-out-lost", visitor, of_visitor) and limits.spend("keep-out-lost-all", "", of_all):
            slot = formats.date_format(
                timezone.localtime(recovery.ask(form.cleaned_data["address"])), "DATETIME_FORMAT"
            )
            messages.success(
                request, _("If a code was left for this address, we mail it at %(slot)s.") % {"slot": slot}
            )
            return redirect("residents:keep-out-code")
        wait = in_words(budgets.LOST_CODES.per)
        form.add_error("address", _("You have asked too often. Wait %(period)s, then try again.") % {"period": wait})
    return render(request, "residents/keep_out_lost.html", {"form": form})


def own_choice(view: ChoiceView) -> View:
    @never_cache
    def opened(request: HttpRequest) -> HttpResponse:
        choice = queries.choice_of(request.session.get(_SESSION_KEY))
        return redirect("residents:keep-out-code") if choice is None else view(request, choice)

    return update_wrapper(opened, view)


@require_safe
@own_choice
def yours(request: HttpRequest, choice: Choice) -> HttpResponse:
    term = in_words(retention.BLOCK.kept_for)
    return render(
        request,
        "residents/keep_out.html",
        {"shown": queries.shown(choice), "term": term, "asleep": queries.any_asleep()},
    )


@require_POST
@own_choice
def renew(request: HttpRequest, choice: Choice) -> HttpResponse:
    ends_on = formats.date_format(choices.renew(choice), "DATE_FORMAT")
    messages.success(request, _("Renewed. You are kept out until %(day)s.") % {"day": ends_on})
    return redirect("residents:keep-out-yours")


@require_http_methods(["GET", "HEAD", "POST"])
@own_choice
def end(request: HttpRequest, choice: Choice) -> HttpResponse:
    if request.method != "POST":
        return render(request, "residents/keep_out_end.html")
    choices.revoke(choice)
    del request.session[_SESSION_KEY]
    messages.success(request, _("Ended. The template of your face is destroyed, and nothing keeps you out any more."))
    return redirect("residents:home")
