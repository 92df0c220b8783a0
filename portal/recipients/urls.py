from django.urls import path

from portal.recipients import views

app_name = "recipients"

urlpatterns = [
    path("<str:token>/", views.open_notice, name="open"),
    path("", views.notice, name="notice"),
]
