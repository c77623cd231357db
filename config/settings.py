"""The one settings file; every difference between places is an environment variable (see .env.example)."""

from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import database, env, logs

BASE_DIR = env.BASE_DIR
env.load_dotenv()

# production (the default, and strict), demo (loopback only, invented people), development or test.
MODE = env.optional("MODE", "production")
if MODE not in {"production", "demo", "development", "test"}:
    raise ImproperlyConfigured("MODE must be production, demo, development or test.")
PRODUCTION = MODE == "production"
DEBUG = MODE == "development"
# Production only reads there (the collected static files), perhaps as an account that may not write.
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / ".data", make=not PRODUCTION)

SECRET_KEY = env.required("SECRET_KEY") if PRODUCTION else "not secret: only for demo, development and tests"
if PRODUCTION and len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY is too short; production needs 50 random characters or more.")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts of this site, and not *.")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

DATABASES = {"default": database.settings_for(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The key service's own connection (records/keyservice/); it is no alias of Django's, and nothing else reads this.
SEALED_DATABASE_URL = database.sealed_url(DATA_DIR)
# Sessions, attempts and jobs live in the database: several web processes share it, and nothing is lost with one.
CACHES = {"default": {"BACKEND": "access.attempts.AttemptsCache"}}

INSTALLED_APPS = [
    "config",
    "records",
    "access",
    "audit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django.contrib.postgres",
    "guardian",
    "simple_history",
    "lucide",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "config.middleware.OneLine",
    "config.middleware.Unavailable",
    "access.addresses.ClientAddress",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.NeverStore",
    "access.middleware.Bounded",
    "access.middleware.Sessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "access.middleware.LoginRequired",
    "access.middleware.SecondFactorRequired",
    "access.middleware.TypedBySomebody",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "audit.middleware.RecordDenials",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # Icons, tags and moments as HTML wants them, lists, and forms that say who typed in them.
            "builtins": ["access.templatetags.html", "access.templatetags.lists", "access.templatetags.typed"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.shell",
                "config.context.language",
            ],
        },
    },
]
FORM_RENDERER = "config.forms.Renderer"

# People and signing in -------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = ["access.frame.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "access.passwords.PasswordValidator"},
]
if MODE == "test":  # a slow hash proves nothing in tests
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "access.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_RATE_LIMITS = False  # ours count by name and address (access/limits.py)
ACCOUNT_FORMS = {"login": "access.entrance.SignInForm"}
MFA_FORMS = {
    "authenticate": "access.entrance.CodeForm",
    "authenticate_webauthn": "access.entrance.KeyForm",
}
MFA_ADAPTER = "access.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Sealed Records"
SECOND_FACTOR_REQUIRED = env.flag("SECOND_FACTOR_REQUIRED", default=PRODUCTION)
if PRODUCTION and not SECOND_FACTOR_REQUIRED:
    raise ImproperlyConfigured("SECOND_FACTOR_REQUIRED may not be switched off in production (MLPS level 3).")

# guardian says who; there is no anonymous user and nothing on the user model (access/duties.py wraps it).
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # no backend of guardian's: permissions are asked of access.duties only
SIMPLE_HISTORY_REVERT_DISABLED = True

SESSION_ENGINE = "access.sessions"
# A session ends after so long without its holder, and after one shift in all; a warning comes before.
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_SECONDS", 15 * 60)
SESSION_SECONDS = env.number("SESSION_SECONDS", 8 * 60 * 60)
SESSION_WARNING_SECONDS = 120
if SESSION_IDLE_SECONDS <= SESSION_WARNING_SECONDS:
    raise ImproperlyConfigured("SESSION_IDLE_SECONDS must be more than the two minutes of its warning.")
SESSION_COOKIE_AGE = SESSION_SECONDS
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "access.middleware.stale_form"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]  # who watches this process does not come through the proxy
BEHIND_PROXY = env.flag("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
WITHOUT_PROXY = frozenset({"/healthz", "/readyz"})
# How many proxies stand in front: limits and watermarks need the client's address, and never a proxy's.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
if bool(TRUSTED_PROXIES) != BEHIND_PROXY:
    raise ImproperlyConfigured(
        "With BEHIND_PROXY=yes, TRUSTED_PROXIES must say how many proxies stand in front; without, it must be 0."
    )
# Not "no-referrer": Chromium then sends `Origin: null` with our own forms, and the CSRF check refuses them.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Files are read into memory, measured and never touch a disk in plain text.
FILE_UPLOAD_HANDLERS = ["access.uploads.MeasuringUploadHandler"]
LETTER_MAX_MEGABYTES = 20
LETTER_MAX_BYTES = LETTER_MAX_MEGABYTES * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 1

# Words -----------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
# Where pages are served for real, static files have their digest in their name, are kept for good by browsers and sent
# compressed. Pages are neither: what is compressed together with a secret tells of it by its length.
COLLECTED = MODE in {"production", "demo"}
WHITENOISE_USE_FINDERS = not COLLECTED
if COLLECTED:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# Alarms of the trail go to a program (the whole path of one; no shell, no arguments), by e-mail, or both.
ALARM_COMMAND = env.optional("ALARM_COMMAND")
if ALARM_COMMAND and not Path(ALARM_COMMAND).is_absolute():
    raise ImproperlyConfigured("ALARM_COMMAND must be the whole path of a program, beginning with /.")
ALARM_EMAILS = env.words("ALARM_EMAILS")
EMAIL_HOST = env.optional("EMAIL_HOST")
EMAIL_PORT = env.port("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.optional("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.optional("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = env.optional("EMAIL_FROM")
if ALARM_EMAILS and not (EMAIL_HOST and DEFAULT_FROM_EMAIL):
    raise ImproperlyConfigured("With ALARM_EMAILS, EMAIL_HOST and EMAIL_FROM must say by which server and from whom.")
EMAIL_BACKEND = (
    "django.core.mail.backends.locmem.EmailBackend"
    if MODE == "test"
    else f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
)
# The trail is verified each night; when the last verification is older than this, that is an alarm.
VERIFIED_HOURS = env.number("VERIFIED_HOURS", 36)

# Keys ------------------------------------------------------------------------------------------------------------
VAULT_SUITE = env.optional("VAULT_SUITE", "aes")
if VAULT_SUITE not in {"aes", "sm"}:
    raise ImproperlyConfigured("VAULT_SUITE must be aes (AES-256-GCM, SHA-256) or sm (SM4-GCM, SM3).")
# Working keys here; the key of the sealed compartment and of the register's index in a file of its own.
VAULT_KEYRING = Path(env.required("VAULT_KEYRING") if PRODUCTION else DATA_DIR / "keys" / "keyring.json")
SEALED_KEYRING = Path(env.required("SEALED_KEYRING") if PRODUCTION else DATA_DIR / "keys" / "sealed-keyring.json")
AUDIT_SIGNING_KEY_FILE = Path(
    env.required("AUDIT_SIGNING_KEY_FILE") if PRODUCTION else DATA_DIR / "keys" / "audit-signing.pem"
)
# The signing machine's own; unset on every other, whose verification then says that it does not check it.
_witness = env.optional("AUDIT_WITNESS_FILE", "" if PRODUCTION else str(DATA_DIR / "keys" / "audit-witness.txt"))
AUDIT_WITNESS_FILE: Path | None = Path(_witness) if _witness else None
AUDIT_ORIGIN = env.optional("AUDIT_ORIGIN", "sealed-records.example/trail")
AUDIT_CHECKPOINT_SECONDS = env.number("AUDIT_CHECKPOINT_SECONDS", 60)

# Where the law is silent: settings with a visible default -----------------------------------
# How long an identity confirmation holds, and how long one opening may be looked at again.
CONFIRMATION_SECONDS = env.number("CONFIRMATION_SECONDS", 300)
VIEWING_SECONDS = env.number("VIEWING_SECONDS", 600)
# How many days a one-time code lets its holder choose a password.
ENROLMENT_DAYS = env.number("ENROLMENT_DAYS", 7)
# About how many people one person may ask in a day.
PEOPLE_ASKED_PER_DAY = env.number("PEOPLE_ASKED_PER_DAY", 200)
# Whether a name belongs to a number is asked of this function (access/population.py); where it is empty, or has answered one
# person about as many people as this in a day, whoever decides compares with the document. The demo has an invented register.
POPULATION_REGISTER = env.optional("POPULATION_REGISTER", "config.sample_population.ask" if MODE == "demo" else "")
if PRODUCTION and POPULATION_REGISTER.startswith("config.sample_population"):
    raise ImproperlyConfigured(
        "POPULATION_REGISTER names the demo's invented register; in production it proves nothing."
    )
POPULATION_ASKED_PER_DAY = env.number("POPULATION_ASKED_PER_DAY", 400)
# Disclosures stop while the trail is stale: events unsequenced, leaves unsigned, or the signer silent, for longer.
STALE_TRAIL_STOPS = env.flag("STALE_TRAIL_STOPS", default=True)
UNSEQUENCED_SECONDS = env.number("UNSEQUENCED_SECONDS", 10)
UNSIGNED_SECONDS = env.number("UNSIGNED_SECONDS", 300)
UNCONFIRMED_SECONDS = env.number("UNCONFIRMED_SECONDS", 30)
# A returned request that nobody corrects lapses after this many days.
RETURNED_LAPSES_DAYS = env.number("RETURNED_LAPSES_DAYS", 30)

# What a unit that was refused is told that it can do. No text says whether refusing a query is an act that may be
# contested under the Administrative Reconsideration Law; RECONSIDERATION says that it is (Art. 11(15)), ORGAN_ABOVE points
# to the organ above. State organs are always pointed there.
REFUSAL_REMEDY = env.optional("REFUSAL_REMEDY", "RECONSIDERATION")
if REFUSAL_REMEDY not in {"RECONSIDERATION", "ORGAN_ABOVE"}:
    raise ImproperlyConfigured("REFUSAL_REMEDY must be RECONSIDERATION or ORGAN_ABOVE.")

# One JSON line for one request in production, the same for people's eyes elsewhere.
LOGGING = logs.configuration(MODE)

# Metrics are served by a process of their own (manage.py metrics), from what the web processes leave in a folder.
METRICS_HOST = env.optional("METRICS_HOST", "127.0.0.1")
METRICS_PORT = env.port("METRICS_PORT", 0)
METRICS_DIR = env.optional("METRICS_DIR")
