from django.urls import path

from records.views import answers, review, violations

app_name = "records"
urlpatterns = [
    path("violations/", violations.violations, name="violations"),
    path("violations/new/", violations.new, name="new"),
    path("violations/<uuid:pk>/", violations.violation, name="violation"),
    path("violations/<uuid:pk>/edit/", violations.edit, name="edit"),
    path("violations/<uuid:pk>/check/", violations.check, name="check"),
    path("violations/<uuid:pk>/submit/", violations.submit, name="submit"),
    path("violations/<uuid:pk>/discard/", violations.discard, name="discard"),
    path("violations/<uuid:pk>/service/", violations.service, name="service"),
    path("review/", review.review_queue, name="review_queue"),
    path("review/<uuid:pk>/", review.review, name="review"),
    path("review/<uuid:pk>/confirm/", review.confirm, name="confirm"),
    path("review/<uuid:pk>/return/", review.return_for_correction, name="return"),
    path("answers/", answers.answers, name="answers"),
    path("answers/standing/<uuid:opening_id>/", answers.standing, name="standing"),
    path("answers/standing/<uuid:opening_id>/extend/", answers.extend, name="extend"),
    path("answers/<uuid:pk>/", answers.grant, name="grant"),
    path("answers/<uuid:pk>/undertaking/", answers.undertaking, name="undertaking"),
    path("answers/<uuid:pk>/<uuid:subject_id>/", answers.open_answer, name="open"),
]
