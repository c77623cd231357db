"""Every address of the product. tests/integration/test_permission_table.py has a row for each."""

from functools import wraps

from allauth.account import views as account_views
from allauth.mfa.base import views as mfa_views
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

from access.views.language import set_language
from config import health, views


@login_not_required
def nobody_signs_up(request: HttpRequest) -> HttpResponse:
    """Exists because allauth wants the name; people are entered by who administers them."""
    raise Http404


@wraps(account_views.logout)
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out, and let the browser forget what it keeps of these pages; the choice of language stays."""
    response = account_views.logout(request)
    if request.method == "POST" and not request.user.is_authenticated:
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


accounts = [
    path("login/", account_views.login, name="account_login"),
    path("logout/", sign_out, name="account_logout"),
    path("inactive/", account_views.account_inactive, name="account_inactive"),
    path("signup/", nobody_signs_up, name="account_signup"),
    # The second step of signing in. Nothing else of allauth's is reached: factors are changed on “My security”.
    path("2fa/authenticate/", mfa_views.authenticate, name="mfa_authenticate"),
]

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", views.desk, name="desk"),
    path("language/", set_language, name="set_language"),
    path("accounts/", include(accounts)),
    path("", include("access.urls")),
    path("", include("records.urls")),
    path("audit/", include("audit.urls")),
]
if settings.DEBUG or settings.MODE == "test":
    urlpatterns.append(path("components/", views.components, name="components"))

handler400 = "config.middleware.unreadable"
handler500 = "config.middleware.server_error"
