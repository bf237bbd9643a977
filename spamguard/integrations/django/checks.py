"""System checks for ``manage.py check``."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning

from spamguard.errors import SpamguardError
from spamguard.integrations.django.conf import mistakes, setting
from spamguard.scoring import model_of


def check_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Report mistakes in SPAMGUARD, without opening the journal."""
    found: list[CheckMessage] = [Error(text, id="spamguard.E001") for text in mistakes()]
    if found:
        return found
    try:
        import spamguard.feedback  # noqa: F401
    except SpamguardError as error:
        found.append(Error(str(error), id="spamguard.E002"))
    try:
        model_of(setting("MODEL"))
    except (SpamguardError, OSError) as error:
        found.append(Error(f'SPAMGUARD["MODEL"]: {error}', id="spamguard.E003"))
    return found


def check_order(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Warn if the order of the apps hides the admin's actions."""
    names = [config.name for config in apps.get_app_configs()]
    place = names.index("spamguard.integrations.django")
    late = [
        name for name in ("django.contrib.admin", "django_comments") if name in names[place + 1 :]
    ]
    if not late:
        return []
    return [
        Warning(
            "The admin gets no spam actions.",
            hint=f"Put spamguard.integrations.django below {' and '.join(late)} in INSTALLED_APPS.",
            id="spamguard.W001",
        )
    ]
