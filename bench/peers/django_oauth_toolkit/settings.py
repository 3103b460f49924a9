"""Settings of a careful operator who wants the toolkit fast: DEBUG off, no middleware that these routes do not need,
persistent connections, WAL with full synchronous commits, write transactions that take their lock at once.

Environment: BENCH_DATABASE (path of the SQLite file).
"""

import os

DEBUG = False
SECRET_KEY = "only for measurements on the loopback address"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider", "links"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.security.SecurityMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["BENCH_DATABASE"],
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
        },
    }
}
OAUTH2_PROVIDER = {
    "SCOPES": {"connect:fulfillment": "Fulfillment API"},
    "ACCESS_TOKEN_EXPIRE_SECONDS": 86400,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
