from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("", views.events, name="events"),
    path("events/<uuid:event_id>/", views.event, name="event"),
    path("verification/", views.verification, name="verification"),
    path("verification/accept/", views.accept, name="accept"),
]
