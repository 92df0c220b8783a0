"""Who may open which page. A page of the other role answers like a page that does not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from portal.accounts.models import Role, User

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class StaffRequest(HttpRequest):
    """A request made by a signed-in member of staff."""

    user: User


class RegulatorRequest(HttpRequest):
    """A request made by a signed-in regulator."""

    user: User


def staff_required(
    view: Callable[Concatenate[StaffRequest, P], HttpResponseBase],
) -> View[P]:
    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        _require(request, Role.STAFF)
        return _private(view(cast(StaffRequest, request), *args, **kwargs))

    return cast(View[P], checked)


def regulator_required(
    view: Callable[Concatenate[RegulatorRequest, P], HttpResponseBase],
) -> View[P]:
    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        _require(request, Role.REGULATOR)
        return _private(view(cast(RegulatorRequest, request), *args, **kwargs))

    return cast(View[P], checked)


def has_role(user: object, role: Role) -> bool:
    return isinstance(user, User) and user.is_active and user.role == role


def _require(request: HttpRequest, role: Role) -> None:
    if not has_role(request.user, role):
        raise Http404


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    # Only a page that was read can be returned to; a form that was sent while signed out is lost either way.
    page = request.get_full_path() if request.method == "GET" else ""
    response = redirect_to_login(page)
    add_never_cache_headers(response)
    return response


def _private(response: HttpResponseBase) -> HttpResponseBase:
    """Nothing of these pages is kept by a browser or by what lies between."""
    if not response.has_header("Cache-Control"):
        add_never_cache_headers(response)
        response["Cache-Control"] = "no-store, private"
    return response
