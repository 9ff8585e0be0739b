"""Django with its admin and its static files, as ASGI."""

import os

import django
from django.conf import settings
from django.contrib import admin
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.http import HttpResponse
from django.urls import path, reverse

settings.configure(
    SECRET_KEY="for tests only",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
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
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "books.sqlite"}},
    STATIC_ROOT="collected",
    WHITENOISE_USE_FINDERS=True,
    STATIC_URL="/static/",
)
django.setup()
call_command("migrate", verbosity=0)
if os.path.isdir("collected") is False:
    call_command("collectstatic", "--noinput", verbosity=0)


def read_page(request):
    return HttpResponse(f'<!doctype html><title>Books</title><a href="{reverse("admin:index")}">Admin</a>')


urlpatterns = [path("", read_page), path("admin/", admin.site.urls)]
app = get_asgi_application()
