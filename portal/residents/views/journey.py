"""The steps of one request, one question a page."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from matching.errors import Busy, PhotoRejected
from matching.types import PhotoFault
from portal.cases import actions, law_titles, places, queries
from portal.cases.faults import CodeExpired, Incomplete, TooManyCases, TooManyCodes, TooManyPhotos, WrongCode
from portal.cases.models import Case, Route
from portal.cases.states import State
from portal.core import clock, durations, limits, mail_addresses, uploads, visitors
from portal.policies import budgets, contacts, retention, statutes
from portal.residents import photo_faults, steps
from portal.residents.forms import (
    BUSY,
    ENOUGH_PHOTOS,
    YES,
    AddressesForm,
    CodeForm,
    ConsentForm,
    ContactForm,
    KeepOutForm,
    PhotoForm,
    PlaceForm,
    sentence,
    too_many_photos,
)
from portal.residents.steps import draft_step, own_case

SECONDS_TO_RETRY = 10


def _page(request: HttpRequest, step: str, case: Case | None, form: Form, **more: Any) -> HttpResponse:
    context = {"form": form, "progress": steps.place_of(step, case), **more}
    return render(request, f"residents/{step}.html", context)


def _language() -> str:
    return get_language() or "en"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def place(request: HttpRequest) -> HttpResponse:
    """The first answer opens the case: whoever only looks leaves no record.

    Who has sent one may begin another; the earlier one is then followed by its reference.
    """
    case = queries.case_of_session(request)
    if case is not None and case.state != State.DRAFT:
        case = None
    form = PlaceForm(request.POST or None, initial={"place": case.place if case else ""})
    if not form.is_valid():
        return _place_page(request, case, form)
    if case is None:
        try:
            case = actions.open_case(_language(), visitor=visitors.address_of(request))
        except TooManyCases as fault:
            form.add_error("place", sentence(fault))
            return _place_page(request, None, form)
        queries.bind(request, case)
    actions.set_place(case, form.cleaned_data["place"])
    return steps.after(case)


def _place_page(request: HttpRequest, case: Case | None, form: PlaceForm) -> HttpResponse:
    return _page(request, "place", case, form, law=_law_of("OTHER"))


def _law_of(place: str) -> Promise:
    return law_titles.TITLES[statutes.law_of(place, clock.today()).code]


@draft_step("contact")
def contact(request: HttpRequest, case: Case) -> HttpResponse:
    draft = queries.draft(case)
    form = ContactForm(request.POST or None, initial={"contact": draft.contact})
    if not form.is_valid():
        return _page(request, "contact", case, form)
    address = form.cleaned_data["contact"]
    if draft.contact_confirmed and address == draft.contact:
        return steps.after(case)
    actions.speak(case, _language())
    try:
        actions.send_code(case, address, visitor=visitors.address_of(request))
    except TooManyCodes as fault:
        form.add_error("contact", sentence(fault))
        return _page(request, "contact", case, form)
    return redirect(steps.address("code"))


@draft_step("code")
def code(request: HttpRequest, case: Case) -> HttpResponse:
    draft = queries.draft(case)
    works_for = durations.in_words(retention.CODE.kept_for)
    form = CodeForm(request.POST or None)
    if not form.is_valid():
        return _page(request, "code", case, form, contact=mail_addresses.shown(draft.contact), works_for=works_for)
    try:
        actions.confirm_code(case, form.cleaned_data["code"])
    except (WrongCode, CodeExpired) as fault:
        form.add_error("code", sentence(fault))
        return _page(request, "code", case, form, contact=mail_addresses.shown(draft.contact), works_for=works_for)
    return steps.after(case)


@draft_step("code", methods=("POST",))
def new_code(request: HttpRequest, case: Case) -> HttpResponse:
    try:
        actions.send_code(case, queries.draft(case).contact, visitor=visitors.address_of(request))
    except TooManyCodes as fault:
        messages.warning(request, sentence(fault))
    else:
        messages.success(request, _("We have sent you a new code. Use the newest one."))
    return redirect(steps.address("code"))


@draft_step("consent")
def consent(request: HttpRequest, case: Case) -> HttpResponse:
    form = ConsentForm(request.POST or None, initial={"route": case.route, "agreed": case.consented_at is not None})
    if not form.is_valid():
        return _page(request, "consent", case, form)
    route = Route(form.cleaned_data["route"])
    draft = queries.draft(case)
    if route != case.route and (draft.photos or draft.addresses) and "drop" not in request.POST:
        context = {"progress": steps.place_of("consent", case), "draft": draft, "route": route}
        return render(request, "residents/change_route.html", context)
    actions.consent(case, route)
    return steps.after(case)


@draft_step("consent", methods=("GET", "HEAD"))
def without_consent(request: HttpRequest, case: Case) -> HttpResponse:
    context = {
        "progress": steps.place_of("consent", case),
        "regulator": contacts.regulator_of(case.place, _language()),
    }
    return render(request, "residents/without_consent.html", context)


# Exempt only so far that a body too large is refused unread, and the form's token with it: `_photo` checks the token.
@csrf_exempt
@draft_step("photo")
def photo(request: HttpRequest, case: Case) -> HttpResponse:
    if uploads.is_too_large(request):
        return _photo_page(request, case, PhotoForm.rejected(PhotoFault.TOO_BIG), status=413)
    return _photo(request, case)


@csrf_protect
def _photo(request: HttpRequest, case: Case) -> HttpResponse:
    form = PhotoForm(request.POST, request.FILES) if request.method == "POST" else PhotoForm()
    if form.is_valid():
        if not limits.spend("photo", str(case.code), budgets.PHOTOS):
            form.add_error("photo", too_many_photos())
            return _photo_page(request, case, form, status=429)
        is_first = not queries.draft(case).has_photo
        try:
            flaw = actions.keep_photo(case, form.cleaned_data["photo"].read())
        except PhotoRejected as rejected:
            form.reject(rejected.fault)
        except TooManyPhotos:
            form.add_error("photo", str(ENOUGH_PHOTOS))
        except Busy:
            limits.give_back("photo", str(case.code))
            form.add_error("photo", str(BUSY))
            answer = _photo_page(request, case, form, status=503)
            answer["Retry-After"] = str(SECONDS_TO_RETRY)
            return answer
        else:
            if flaw is not None:
                messages.warning(request, str(photo_faults.ADVICE[flaw]))
            if "another" in request.POST:
                return redirect(steps.address("photo"))
            return redirect(steps.address("keep-out")) if is_first else steps.after(case)
    return _photo_page(request, case, form, status=422 if form.errors else 200)


def _photo_page(request: HttpRequest, case: Case, form: PhotoForm, *, status: int = 200) -> HttpResponse:
    given = photo_faults.with_advice(queries.draft(case).photos)
    page = _page(request, "photo", case, form, photos=given, may_add=len(given) < actions.MOST_PHOTOS)
    page.status_code = status
    return page


@draft_step("photo", methods=("POST",))
def remove_photo(request: HttpRequest, case: Case, number: int) -> HttpResponse:
    actions.remove_photo(case, number)
    return redirect(steps.address("photo"))


@draft_step("keep-out")
def keep_out(request: HttpRequest, case: Case) -> HttpResponse:
    """Offered to everyone who gives a photo, in the same words; the request can be sent without an answer."""
    draft = queries.draft(case)
    if not draft.has_photo:
        return steps.after(case)
    answers = request.POST if request.method == "POST" else None
    chosen = {"keep_out": YES if draft.keep_out else None, "recoverable": draft.keep_out_recoverable}
    form = KeepOutForm(answers, initial=chosen)
    if not form.is_valid():
        return _page(request, "keep-out", case, form, kept_for=durations.in_words(retention.BLOCK.kept_for))
    wanted = form.cleaned_data["keep_out"] == YES
    actions.keep_out(case, wanted=wanted, recoverable=form.cleaned_data["recoverable"])
    return redirect(steps.address("check"))


@draft_step("addresses")
def addresses(request: HttpRequest, case: Case) -> HttpResponse:
    form = AddressesForm(request.POST or None, initial={"addresses": "\n".join(queries.draft(case).addresses)})
    if not form.is_valid():
        return _page(request, "addresses", case, form)
    actions.keep_addresses(case, form.cleaned_data["addresses"])
    return steps.after(case)


@draft_step("check")
def check(request: HttpRequest, case: Case) -> HttpResponse:
    if request.method == "POST":
        actions.speak(case, _language())
        try:
            actions.submit(case)
        except Incomplete:  # another tab took an answer back, or sent it
            return steps.after(case)
        return redirect("residents:done")
    draft = queries.draft(case)
    context = {
        "progress": steps.place_of("check", case),
        "draft": draft,
        "contact": mail_addresses.shown(draft.contact),
        "place": places.NAMES[draft.place],
        "law": _law_of(draft.place),
        "photos": photo_faults.with_advice(draft.photos),
    }
    return render(request, "residents/check.html", context)


@require_safe
@own_case
def own_photo(request: HttpRequest, case: Case, number: int) -> HttpResponse:
    """One of the subject's own photos, only while they can still change it."""
    jpeg = queries.own_photo(case, number)
    if jpeg is None:
        raise Http404
    return HttpResponse(jpeg, content_type="image/jpeg", headers={"Content-Disposition": "inline"})


@require_safe
@own_case
def done(request: HttpRequest, case: Case) -> HttpResponse:
    announced = queries.announced(case)
    if announced.received_at is None:
        return redirect("residents:check")
    return render(
        request, "residents/done.html", {"announced": announced, "keep_out_code": queries.keep_out_code(case)}
    )
