"""What a proxy may tell us, and what a browser is told that our pages may do."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.core import visitors

Respond = Callable[[HttpRequest], HttpResponse]

# A selfie may be taken on our own pages; nothing else that a browser can grant is ever asked for.
PERMISSIONS = ", ".join(
    [
        "camera=(self)",
        *(
            f"{name}=()"
            for name in (
                "accelerometer",
                "autoplay",
                "bluetooth",
                "browsing-topics",
                "clipboard-read",
                "display-capture",
                "encrypted-media",
                "fullscreen",
                "gamepad",
                "geolocation",
                "gyroscope",
                "hid",
                "idle-detection",
                "local-fonts",
                "magnetometer",
                "microphone",
                "midi",
                "payment",
                "picture-in-picture",
                "publickey-credentials-create",
                "publickey-credentials-get",
                "screen-wake-lock",
                "serial",
                "storage-access",
                "usb",
                "web-share",
                "window-management",
                "xr-spatial-tracking",
            )
        ),
    ]
)


def believe_proxies_alone(respond: Respond) -> Respond:
    """Middleware: X-Forwarded-Proto makes a request a secure one, so it counts from TRUSTED_PROXIES alone."""

    def believe(request: HttpRequest) -> HttpResponse:
        if not visitors.is_from_proxy(request):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return respond(request)

    return believe


def permit_the_camera_alone(respond: Respond) -> Respond:
    """Middleware: the header Permissions-Policy on every answer."""

    def permit(request: HttpRequest) -> HttpResponse:
        answer = respond(request)
        answer["Permissions-Policy"] = PERMISSIONS
        return answer

    return permit
