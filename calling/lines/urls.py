from django.urls import path

from calling.lines import views

urlpatterns = [
    path("", views.lines, name="lines"),
    path("lines.csv", views.lines_csv, name="lines_csv"),
    path("import/", views.import_file, name="import_lines"),
    path("add/", views.add, name="add_line"),
    path("numbers/", views.service_numbers, name="service_numbers"),
    path("numbers/<int:pk>/end/", views.end, name="end_number"),
    path("<int:pk>/", views.line, name="line"),
    path("<int:pk>/numbers/", views.give, name="give_number"),
    path("<int:pk>/licences/", views.licence, name="give_licence"),
]
