from django.urls import path

from portal.api import views

app_name = "api"

urlpatterns = [
    path("case/", views.CaseView.as_view(), name="case"),
    path("statistics/", views.StatisticsView.as_view(), name="statistics"),
]
