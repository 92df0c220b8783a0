"""Every address: people's pages carry their language, machines' do not."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from portal.operations.health import healthz

urlpatterns = [
    path("healthz", healthz),
    path("api/v1/", include("portal.api.urls")),
    path("ledger/", include("portal.api.log_urls")),
    *i18n_patterns(
        path("", include("portal.residents.urls")),
        path("recipients/notice/", include("portal.recipients.urls")),
        path("staff/", include("portal.staff.urls")),
        path("regulator/", include("portal.regulators.urls")),
    ),
]
