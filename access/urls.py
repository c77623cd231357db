from django.urls import URLPattern, path

from access.views import enrolment, identity, people, proposals, queue, requests

app_name = "access"
urlpatterns: list[URLPattern] = [
    path("requests/", requests.requests, name="requests"),
    path("requests/new/", requests.choose_basis, name="request_new"),
    path("requests/new/<slug:code>/", requests.begin, name="request_begin"),
    path("requests/<uuid:pk>/", requests.detail, name="request"),
    path("requests/<uuid:pk>/edit/", requests.edit, name="request_edit"),
    path("requests/<uuid:pk>/letter/", requests.letter, name="request_letter"),
    path("requests/<uuid:pk>/check/", requests.check, name="request_check"),
    path("requests/<uuid:pk>/submit/", requests.submit, name="request_submit"),
    path("requests/<uuid:pk>/receipt/", requests.receipt, name="receipt"),
    path("requests/<uuid:pk>/withdraw/", requests.withdraw, name="request_withdraw"),
    path("queue/", queue.queue, name="queue"),
    path("queue/<uuid:pk>/", queue.review, name="review"),
    path("queue/<uuid:pk>/decide/", queue.decide, name="decide"),
    path("grants/<uuid:pk>/revoke/", queue.revoke, name="grant_revoke"),
    path("identity/<uuid:pk>/", identity.identity, name="identity"),
    path("people/", people.people, name="people"),
    path("people/new/", people.person_new, name="person_new"),
    path("people/<uuid:pk>/code/", people.person_code, name="person_code"),
    path("people/<uuid:pk>/disable/", people.person_disable, name="person_disable"),
    path("people/<uuid:pk>/enable/", people.person_enable, name="person_enable"),
    path("people/units/", people.units, name="units"),
    path("people/units/<uuid:pk>/agreement/", people.unit_agreement, name="unit_agreement"),
    path("duties/", people.duties_held, name="duties"),
    path("duties/<uuid:pk>/", people.person_duties, name="person_duties"),
    path("duties/<uuid:pk>/give/", people.duty_give, name="duty_give"),
    path("duties/<uuid:pk>/withdraw/", people.duty_withdraw, name="duty_withdraw"),
    path("proposals/", proposals.proposals, name="proposals"),
    path("proposals/<uuid:pk>/", proposals.proposal, name="proposal"),
    path("proposals/<uuid:pk>/enact/", proposals.enact, name="proposal_enact"),
    path("proposals/<uuid:pk>/turn-down/", proposals.turn_down, name="proposal_turn_down"),
    path("enrol/", enrolment.enrol, name="enrol"),
]
