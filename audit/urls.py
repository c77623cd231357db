from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("", views.events, name="events"),
    path("events/<uuid:event_id>/", views.event, name="event"),
    path("export/", views.export_table, name="export"),
    path("alarms/", views.alarms_open, name="alarms"),
    path("alarms/<uuid:event_id>/", views.alarm_close, name="alarm"),
    path("verification/", views.verification, name="verification"),
    path("verification/accept/", views.accept, name="accept"),
]
