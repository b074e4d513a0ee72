"""Values only; what varies comes from portal.env. Outside the demo the site refuses to start with default keys."""

import base64
import hashlib
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from portal import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env.path("ORDOLIEN_VAR") or BASE_DIR / "var"
VAR_DIR.mkdir(parents=True, exist_ok=True)

# --- Where we are ---------------------------------------------------------------------------------------------------
DEMO = env.flag("ORDOLIEN_DEMO")
TESTING = env.flag("ORDOLIEN_TEST")
DEBUG = False

# --- Keys -----------------------------------------------------------------------------------------------------------
DEMO_SECRET = "demonstration-only-never-real-data"  # noqa: S105 - public on purpose; refused outside the demo


def _key(name: str, purpose: str) -> str:
    value = env.text(name)
    if value:
        return value
    if not (DEMO or TESTING):
        raise ImproperlyConfigured(f"{name} is not set. See .env.example; only the demo runs without it.")
    return base64.b64encode(hashlib.sha256(f"{DEMO_SECRET}:{purpose}".encode()).digest()).decode()


SECRET_KEY = _key("DJANGO_SECRET_KEY", "secret")
SECRET_KEY_FALLBACKS = env.words("DJANGO_SECRET_KEY_FALLBACKS")
FIELD_KEYS = env.text("ORDOLIEN_FIELD_KEYS") or f"demo:{_key('ORDOLIEN_FIELD_KEYS', 'fields')}"
BLIND_INDEX_KEY = _key("ORDOLIEN_BLIND_INDEX_KEY", "blind-index")
if SECRET_KEY.startswith(DEMO_SECRET) or not (DEMO or TESTING) and len(SECRET_KEY) < 40:
    raise ImproperlyConfigured("DJANGO_SECRET_KEY must be secret and at least 40 characters long.")

# --- The site -------------------------------------------------------------------------------------------------------
PORT = env.number("PORT", 8000)
SITE_URL = env.text("ORDOLIEN_SITE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
HTTPS = SITE_URL.startswith("https://")
BEHIND_PROXY = env.flag("ORDOLIEN_BEHIND_PROXY")
CLIENT_CERT_HEADER = env.text("ORDOLIEN_CLIENT_CERT_HEADER")  # mutual TLS of software; empty: none
CLIENT_CERT_PROXIES = env.words("ORDOLIEN_CLIENT_CERT_PROXIES")
CLIENT_CERT_CA = env.path("ORDOLIEN_CLIENT_CERT_CA")
ALLOWED_HOSTS = env.words("ORDOLIEN_HOSTS", "127.0.0.1,localhost,[::1],testserver" if DEMO or TESTING else "")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "prescriptions.apps.PrescriptionsConfig",
    "sharing.apps.SharingConfig",
    "portal.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.forms",  # FORM_RENDERER finds Django's own widgets through it
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "portal.access_log.tell_requests",
    "portal.mutual_tls.read_header",  # before the next one, which hides the proxy's own address
    "portal.middleware.know_who_asks",
    "portal.middleware.no_store_and_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.middleware.refuse_too_heavy",  # before the next one, which reads the form
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # closed by default
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.middleware.end_old_sessions",
    "portal.middleware.require_second_factor",
    "portal.middleware.show_refusals",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.portal",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Data -----------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.database(env.text("DATABASE_URL"), sqlite_default=VAR_DIR / "db.sqlite3")}
DATABASE_CLOCK_AHEAD = 0  # seconds; only tests move it
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.text("REDIS_URL")
_in_process = {
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
    "LOCATION": "process",
    "OPTIONS": {"MAX_ENTRIES": 20_000},  # beyond, counts are dropped: many addresses must not be enough for that
}
CACHES = {
    "default": {"BACKEND": "portal.cache.RedisOrProcess", "LOCATION": REDIS_URL} if REDIS_URL else _in_process,
    "process": _in_process,
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
REQUEST_MAX_BYTES = 24 * 1024 * 1024  # a form with its files; one file: prescriptions.files.photos.MAX_BYTES
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

# --- Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
LANGUAGE_COOKIE_NAME = "langue"
TIME_ZONE = "Europe/Paris"
USE_TZ = True
FORMAT_MODULE_PATH = ["portal.formats"]

# --- Static files ---------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.path("ORDOLIEN_STATIC_ROOT") or BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEMO or TESTING  # no collectstatic in the quick start
_STATIC_STORAGE = "django.contrib.staticfiles.storage." + (
    "StaticFilesStorage" if DEMO or TESTING else "ManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_STORAGE},
}

# --- Signing in (allauth) -------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a change of password, address or factor is said to its owner
ACCOUNT_CHANGE_EMAIL = True  # one address an account; a new one replaces it once confirmed
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # a change of address asks again who it is
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0  # whose X-Forwarded-For limits believe
MFA_ADAPTER = "portal.accounts.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Ordolien"
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # else a passkey alone would be one factor, not two
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
USERSESSIONS_TRACK_ACTIVITY = True  # once a minute, by end_old_sessions; allauth's middleware would at each page
SESSION_ENGINE = "portal.sessions"
SESSION_IDLE_SECONDS = 30 * 60
SESSION_ABSOLUTE_SECONDS = 12 * 60 * 60

# --- Cookies and headers --------------------------------------------------------------------------------------------
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz"]
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
        "media-src": [SELF, "blob:"],
    }
}

# --- Secure messaging (MSSanté) -------------------------------------------------------------------------------------
MSSANTE_DOMAIN = env.text("MSSANTE_DOMAIN", "mssante.test")
MSSANTE_PATIENT_DOMAIN = env.text("MSSANTE_PATIENT_DOMAIN", f"patient.{MSSANTE_DOMAIN}")
MSSANTE_SENDER = env.one_of("MSSANTE_SENDER", "patient", "portal")  # <INS>@…, or MSSANTE_PORTAL_ADDRESS
MSSANTE_PORTAL_ADDRESS = env.text("MSSANTE_PORTAL_ADDRESS", f"portail@ordolien.{MSSANTE_DOMAIN}")
MSSANTE_SMTP_HOST = env.text("MSSANTE_SMTP_HOST")
MSSANTE_SMTP_PORT = env.number("MSSANTE_SMTP_PORT", 587)
MSSANTE_SMTP_TLS = env.one_of("MSSANTE_SMTP_TLS", "starttls", "implicit")  # never in clear
MSSANTE_SMTP_TIMEOUT = env.number("MSSANTE_SMTP_TIMEOUT", 600)  # seconds; RFC 5321 §4.5.3.2.6: ten minutes on the dot
MSSANTE_CA = env.text("MSSANTE_CA")
MSSANTE_CLIENT_CERT = env.text("MSSANTE_CLIENT_CERT")
MSSANTE_CLIENT_KEY = env.text("MSSANTE_CLIENT_KEY")
MSSANTE_CRL = env.text("MSSANTE_CRL")  # file; empty: the operator's certificate is not looked up in any list
MSSANTE_AUTH = env.one_of("MSSANTE_AUTH", "certificate", "xoauth2")  # xoauth2: a Pro Santé Connect token too
MSSANTE_TOKEN_FILE = env.text("MSSANTE_TOKEN_FILE")
MSSANTE_TOKEN_COMMAND = env.text("MSSANTE_TOKEN_COMMAND")
MSSANTE_IMAP_HOST = env.text("MSSANTE_IMAP_HOST")
MSSANTE_IMAP_PORT = env.number("MSSANTE_IMAP_PORT", 143)
MSSANTE_MAILBOXES = env.path("MSSANTE_MAILBOXES") or VAR_DIR / "mailboxes"  # of the local operator
SCANNER = env.text("ORDOLIEN_SCANNER")  # clamd: tcp://host:3310 or unix:///path; empty: files are not scanned
MSSANTE_PRODUCT_NUMBER = env.text("MSSANTE_PRODUCT_NUMBER", "ORDOLIEN-0.1")  # X-MSS-NIL
MSSANTE_MAX_BYTES = env.number("MSSANTE_MAX_BYTES", 25_000_000)  # of a whole message, as it travels (base64)

# --- The national directory of health (manage.py import_pharmacies --annuaire) ---------------------------------------
ANNUAIRE_API_KEY = env.text("ANNUAIRE_API_KEY")
ANNUAIRE_TIMEOUT = env.number("ANNUAIRE_TIMEOUT", 30)  # seconds; the service gives up after thirty

# --- Delivery -------------------------------------------------------------------------------------------------------
DELIVERY_LEASE_SECONDS = 60
DELIVERY_RENEW_SECONDS = 10
DELIVERY_MAX_CLAIMS_WITHOUT_OUTCOME = 10
DELIVERY_BACKOFF_SECONDS = [30, 60, 120, 300, 600, 1200, 1800]
DELIVERY_GIVE_UP_SECONDS = 5 * 24 * 3600
DELIVERY_LATE_SECONDS = 15 * 60  # the patient then reads "pas encore remise" with the alternatives
DELIVERY_JITTER = 0.2  # each wait is longer or shorter by up to this share of it
DELIVERY_RUN = 3  # so many mailboxes refused one after the other: the trouble is not theirs
DELIVERY_RUN_SECONDS = 600  # refusals further apart than this are not a run
DELIVERY_PAUSE_SECONDS = [2, 5, 10, 20, 30]  # the breaker is open: when the next one is tried
DELIVERY_PER_DESTINATION = 2  # messages leaving at once to one domain
DELIVERY_AT_ONCE = env.number("ORDOLIEN_SENDING_AT_ONCE", 8)  # messages leaving at once in all, over every process
DELIVERY_SENDERS = env.number("ORDOLIEN_SENDERS", 4)  # connections at once from one sweep
DELIVERY_STOP_SECONDS = 30  # a process asked to end waits so long for what is leaving, then cuts it
SWEEP_SECONDS = 1
COLLECT_SECONDS = 2  # answers and reports are fetched this often
EXPIRE_SECONDS = 5

# --- Celery: a bell, nothing else (docs/architecture.md) ------------------------------------------------------------
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL") or REDIS_URL or "memory://localhost/"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
if CELERY_BROKER_URL.startswith("memory:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.02}
    CELERY_WORKER_PREFETCH_MULTIPLIER = 64
else:
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 120,
        "socket_connect_timeout": 0.2,
        "socket_timeout": 5,
    }

# --- E-mail to people (notices; never health data) ------------------------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.number("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = True
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("ORDOLIEN_FROM", "Ordolien <ne-pas-repondre@ordolien.test>")
NOTICES_DIR = VAR_DIR / "notices"
if not EMAIL_HOST:
    EMAIL_BACKEND = "portal.demo.MaildirBackend"  # the demo's visible mailbox, one Maildir an address

# --- REST (closed by default here too) ------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api_access.SoftwareAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["portal.api_access.Nobody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.api_fields.BoundedJSON"],
    "EXCEPTION_HANDLER": "portal.api.explain",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Ordolien",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["portal.api_docs.only_rest"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SORT_OPERATIONS": False,
}
CAPABILITY_STATEMENT = "sharing.api.metadata.capability_statement"

# --- For whoever runs the site: who is asked in /healthz/deep and /metrics -------------------------------------------
OPERATORS_TOKEN = env.text("ORDOLIEN_OPERATORS_TOKEN")
HEALTH_CHECKS = [
    "sharing.health.deliveries",
    "sharing.health.operator",
    "sharing.health.sweep",
    "sharing.health.inbound",
    "sharing.health.directory",
    "sharing.health.reconciled",
    "portal.health.notices",
    "portal.health.redis",
]
METRICS = [
    "sharing.metrics.deliveries",
    "sharing.metrics.sweep",
    "sharing.metrics.inbound",
    "sharing.metrics.reconciled",
    "sharing.metrics.ages",
    "prescriptions.metrics.medicines",
    "portal.metrics.notices",
    "portal.metrics.redis",
]
METRICS_DIR = env.path("PROMETHEUS_MULTIPROC_DIR")  # the library's own name: read by it too
if METRICS_DIR:
    METRICS_DIR.mkdir(parents=True, exist_ok=True)

# --- `manage.py serve`: what runs beside the site, in its process ---------------------------------------------------
SERVED_WITH = ["sharing.companions.local_operator", "sharing.companions.sweep"]

# --- Logs: ids, never names -----------------------------------------------------------------------------------------
LOG_FORMAT = env.text("ORDOLIEN_LOG_FORMAT", "words" if DEMO or TESTING else "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"words": {"()": "portal.logs.Words"}, "json": {"()": "portal.logs.JsonLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {
        "handlers": ["console"],
        "level": env.text("ORDOLIEN_LOG_LEVEL", "WARNING" if TESTING or DEMO else "INFO"),
    },
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django.db.backends": {"level": "INFO"},  # below, each statement with its values
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
        "pikepdf": {"level": "WARNING"},
        "mail.log": {"level": "ERROR"},
    },
}
