from django.urls import path

from portal.api import crawler, notices, views

app_name = "api"

urlpatterns = [
    path("case/", views.CaseView.as_view(), name="case"),
    path("statistics/", views.StatisticsView.as_view(), name="statistics"),
    path("refused-addresses/", crawler.refused_addresses, name="refused-addresses"),
    path("refused-addresses/key", crawler.feed_key, name="refused-addresses-key"),
    path("notices/key", notices.key, name="notice-key"),
    path("notices/<str:token>/acknowledge", notices.acknowledge, name="acknowledge"),
]
