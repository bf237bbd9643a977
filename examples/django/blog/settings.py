"""Settings of the example; BLOG_COMMENTS=django_comments_xtd selects the other comments app."""

import os
from pathlib import Path

BASE_DIR = Path(os.environ.get("BLOG_DATA", Path(__file__).parents[1]))
SECRET_KEY = os.environ.get("BLOG_SECRET", "only-for-this-example")
DEBUG = os.environ.get("BLOG_DEBUG", "1") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
ROOT_URLCONF = "blog.urls"
SITE_ID = 1
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

COMMENTS_APP = os.environ.get("BLOG_COMMENTS", "django_comments")
COMMENTS_XTD_CONFIRM_EMAIL = False
COMMENTS_XTD_THREADED_EMAILS = False
COMMENTS_XTD_SALT = b"only-for-this-example"
COMMENTS_XTD_FROM_EMAIL = COMMENTS_XTD_CONTACT_EMAIL = "blog@blog.example"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.staticfiles",
    *(["django_comments_xtd"] if COMMENTS_APP == "django_comments_xtd" else []),
    "django_comments",
    "blog",
    "spamguard.integrations.django",
]

SPAMGUARD = {
    "JOURNAL": BASE_DIR / "feedback.db",
    "OWN_MODEL": BASE_DIR / "own-model",
}

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "blog.db"}}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
