from django.urls import path

from portal.regulators import views

app_name = "regulators"

urlpatterns = [
    path("", views.numbers, name="numbers"),
    path("numbers.csv", views.numbers_csv, name="csv"),
]
