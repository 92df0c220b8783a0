"""Django settings. Every value that differs between machines comes from the environment (.env.example)."""

import sys
from datetime import timedelta
from pathlib import Path

import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from portal.core import env, mail_addresses
from portal.policies import notices, operations, retention, timetable

BASE_DIR = Path(__file__).resolve().parent.parent

DEMO = env.flag("DEMO")
DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
SITE_URL = env.text("SITE_URL", "http://localhost:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
# Whose X-Forwarded-For and X-Forwarded-Proto say where a request comes from, and whether it came over TLS.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
# Hosts that portal.core.http may call although their addresses are not public.
PRIVATE_HOSTS = frozenset(name.lower() for name in env.names("PRIVATE_HOSTS", ""))
OPERATOR_NAME = env.text("OPERATOR_NAME", "Example Index Inc.")
# Whom residents write to. Nobody else can know it; the demo invents it.
OPERATOR_CONTACT = env.text("OPERATOR_CONTACT", "privacy@example-index.example" if DEMO else None)
PRIVACY_OFFICER = env.text("PRIVACY_OFFICER", "Robin Example" if DEMO else None)
OPERATOR_ADDRESS = env.text("OPERATOR_ADDRESS", "1 Invented Street, Exampleville" if DEMO else "")

INSTALLED_APPS = [
    "portal.accounts",  # before Django's own: its commands on accounts take the place of theirs
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "matching",
    "portal.core",
    "portal.ledger",
    "portal.audit",
    "portal.jobs",
    "portal.notices",
    "portal.takedowns",
    "portal.blocks",
    "portal.cases",
    "portal.orders",
    "portal.attention",
    "portal.statistics",
    "portal.residents",
    "portal.recipients",
    "portal.staff",
    "portal.regulators",
    "portal.api",
    "portal.purge_proof",
    "portal.backups",
    "portal.operations",
    "portal.demo",
]

MIDDLEWARE = [
    "portal.core.headers.believe_proxies_alone",
    "portal.core.headers.permit_the_camera_alone",
    "django.middleware.security.SecurityMiddleware",
    "portal.operations.gate.closed_while_behind",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "builtins": ["django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.core.context.site",
            ],
        },
    }
]

# default: what web and workers use; owner: migrations and grants, given to those commands alone; regulator: aggregates.
DATABASES = {
    "default": env.database("DATABASE_URL"),
    "regulator": env.database("DATABASE_REGULATOR_URL"),
    **({"owner": env.database("DATABASE_OWNER_URL")} if env.text("DATABASE_OWNER_URL", "") else {}),
}
for _alias in DATABASES.keys() - {"default"}:
    DATABASES[_alias]["TEST"] = {"MIRROR": "default"}
    DATABASES[_alias]["CONN_MAX_AGE"] = 0
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "staff:sign-in"

LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["portal.core.formats"]
TIME_ZONE = env.text("TIME_ZONE", "America/Toronto")
USE_TZ = True

STATIC_URL = "/static/"
# Nothing is collected: the build already put every file into one folder, which WhiteNoise serves.
STATICFILES_DIRS = [path for path in [BASE_DIR / "build" / "static"] if path.is_dir()]
WHITENOISE_USE_FINDERS = True

# A photo is sealed from the first byte: the only upload handler keeps it in memory, and caps it.
FILE_UPLOAD_HANDLERS = ["portal.core.uploads.CappedMemoryHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# Staff choose for each match of a case, and a person may be in thousands of photos; about what a megabyte holds.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 40_000

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(retention.SESSION.kept_for.total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")
SECURE_SSL_REDIRECT = SITE_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = int(operations.HTTPS_ONLY_FOR.total_seconds()) if SITE_URL.startswith("https://") else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

globals().update(env.email("EMAIL_URL", "smtp://localhost:25"))
DEFAULT_FROM_EMAIL = mail_addresses.sender(env.text("MAIL_FROM", "takedown@localhost"))
# Who is mailed what is overdue, stuck or late (portal.attention); empty: it is in the log alone.
ALERTS_TO = env.text("ALERTS_TO", "")

KEY_STORE = env.folder("KEY_STORE")
MATCHING = {
    "PACK": env.text("PACK", "dlib"),
    "PAD_FOLDER": env.text("PAD_FOLDER", ""),
    "PACKS_FOLDER": Path(env.text("PACKS_FOLDER", str(BASE_DIR / "var" / "packs"))),
    # Which index holds the faces: postgresql or milvus.
    "INDEX": env.text("INDEX", "postgresql"),
    # Of the PostgreSQL on this very machine, where what a crash left there may be deleted.
    "DATABASE_FOLDER": Path(env.text("DATABASE_FOLDER")) if env.text("DATABASE_FOLDER", "") else None,
    "MILVUS_URI": env.text("MILVUS_URI", ""),
    "MILVUS_TOKEN": env.text("MILVUS_TOKEN", ""),
    "IMAGE_STORE": env.text("IMAGE_STORE"),
    # Like the keys, outside the database and its backups.
    "TOMBSTONES": Path(env.text("TOMBSTONES", str(KEY_STORE / "tombstones"))),
    "ACCEPT_PACK_LICENCE": env.flag("ACCEPT_PACK_LICENCE"),
    "CALIBRATIONS": Path(env.text("CALIBRATIONS", str(BASE_DIR / "var" / "calibrations"))),
    # A visitor's own pack may be tried at once; a real index waits until someone vouches for its files.
    "UNPINNED_PACKS": DEMO,
    "UNCONFINED_DECODER": env.flag("UNCONFINED_DECODER"),
    "HARVESTS_A_DAY": env.integer("HARVESTS_A_DAY", 300),
}

# Where `manage.py backup` writes, and where backups past their deadline are looked for.
BACKUPS = Path(env.text("BACKUPS")).absolute() if env.text("BACKUPS", "") else None

# An HTTP cache before the image store, `{image}` where the id goes; and the token of the operator's crawler.
CACHE_URL = env.text("CACHE_URL", "")
CRAWLER_TOKEN = env.text("CRAWLER_TOKEN", "")

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "filesystem://")
BROKER_FOLDER = Path(env.text("BROKER_FOLDER", str(BASE_DIR / "var" / "broker")))

# When the resident is told "finished", whatever was found (docs/decisions/0004-one-answer-for-everyone.md).
ANSWER_SLOT = env.period("ANSWER_SLOT_SECONDS", timetable.ANSWER_AFTER)
# How long a hidden image can still be restored before it is removed from every store.
COOLING = env.period("COOLING_SECONDS", timetable.COOLING)
# How soon removed rows are purged from the data files, and how often the queue is swept.
PURGE_AFTER = env.period("PURGE_SECONDS", timetable.PURGE_AFTER)
# How often the ledger is published: at whole intervals since 1970, so daily means midnight UTC.
PUBLISH_EVERY = env.period("PUBLISH_SECONDS", timetable.PUBLISH_EVERY)
# How often regulators are given new figures, at such times too.
STATISTICS_EVERY = env.period("STATISTICS_SECONDS", timetable.RELEASE_EVERY)
# When a case's receipt is due, counted from when the case was received. 0: with the statute's last day and the time
# that purging may take after it.
RECEIPT_SLOT = env.period("RECEIPT_SLOT_SECONDS", timedelta())
# How long removals are gathered into one notice to a recipient.
NOTICE_WINDOW = env.period("NOTICE_WINDOW_SECONDS", notices.GATHERED_FOR)
SWEEP_SECONDS = env.integer("SWEEP_SECONDS", 30)
# How long a worker that was killed keeps others from its job; one that lives renews its lease in time.
LEASE = env.period("LEASE_SECONDS", timedelta(seconds=60))

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}

# Nothing personal enters a log: one form for every line (portal.core.logs), for Celery and gunicorn too.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "portal.core.logs.Line"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Django's own handlers write, or mail, the whole of an error and of the request that it met.
        "django": {"handlers": []},
        "django.request": {"level": "ERROR"},
        "django.db.backends": {"level": "ERROR"},
        # It tells each step of each page it prints.
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
    },
}

# Events with ids, one line of JSON each; whoever logs passes no free text.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.PrintLoggerFactory(sys.stderr),
)
