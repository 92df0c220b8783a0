"""One sign-in page for staff and regulators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts import devices
from portal.accounts import sign_in as accounts
from portal.accounts.access import has_role
from portal.accounts.forms import SignInForm
from portal.accounts.models import Role, User


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
        form.add_error("name", _("Too many attempts. Wait 15 minutes, then try again"))
        return None
    if account is None:
        form.add_error("name", _("The name or the password is wrong"))
    return account


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    accounts.sign_out(request)
    return redirect("staff:sign-in")


def _next_page(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    local = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if local else _own_page(request)


def _own_page(request: HttpRequest) -> str:
    return reverse("regulators:numbers" if has_role(request.user, Role.REGULATOR) else "staff:queue")
