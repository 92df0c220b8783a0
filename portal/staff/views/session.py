"""One sign-in page for staff and regulators."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts import devices, duty
from portal.accounts import sign_in as accounts
from portal.accounts.access import has_role
from portal.accounts.forms import SignInForm
from portal.accounts.models import Role, User
from portal.cases import assignments
from portal.core import durations
from portal.policies import budgets

# The first page of each part of the site that one role alone may open.
HOME = {"staff": "staff:queue", "regulators": "regulators:numbers"}


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(_own_page(request))
        return render(request, "staff/sign_in.html", {"form": SignInForm(), "next": request.GET.get("next", "")})
    form = SignInForm(request.POST)
    account = _signed_in(request, form) if form.is_valid() else None
    if account is not None:
        response = redirect(_next_page(request))
        devices.remember(request, response, account)
        return response
    return render(request, "staff/sign_in.html", {"form": form, "next": request.POST.get("next", "")})


def _signed_in(request: HttpRequest, form: SignInForm) -> User | None:
    """Every failure reads the same, whether or not there is such an account."""
    try:
        account = accounts.sign_in(request, **form.cleaned_data)
    except accounts.TooManyTries:
        wait = durations.in_words(budgets.SIGN_IN_TO_ACCOUNT.per)
        form.add_error("name", _("Too many attempts. Wait %(period)s, then try again") % {"period": wait})
        return None
    if account is None:
        form.add_error("name", _("The name or the password is wrong"))
    else:
        duty.begin(account)
        assignments.fill()
    return account


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    accounts.sign_out(request)
    return redirect("staff:sign-in")


def _next_page(request: HttpRequest) -> str:
    """The page that sent the visitor here, unless it is elsewhere or for the other role."""
    wanted = request.POST.get("next", "")
    local = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if local and not _is_for_others(request, wanted) else _own_page(request)


def _is_for_others(request: HttpRequest, wanted: str) -> bool:
    path = urlsplit(wanted).path
    try:
        with translation.override(translation.get_language_from_path(path)):
            part = resolve(path).app_name
    except Resolver404:
        return False
    return part in HOME and part != _part(request)


def _own_page(request: HttpRequest) -> str:
    return reverse(HOME[_part(request)])


def _part(request: HttpRequest) -> str:
    return "regulators" if has_role(request.user, Role.REGULATOR) else "staff"
