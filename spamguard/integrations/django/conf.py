"""The setting SPAMGUARD, and the site that it configures."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from spamguard.errors import SpamguardError
from spamguard.feedback import Site

DEFAULTS: Final[dict[str, Any]] = {
    "JOURNAL": None,
    "SITE": "",
    "MODEL": "default",
    "OWN_MODEL": None,
    "HOLD": "unsure",
    "DISCARD": False,
}


def setting(name: str) -> Any:
    """Return one of the settings, or its default."""
    given = getattr(settings, "SPAMGUARD", None)
    return (given if isinstance(given, dict) else {}).get(name, DEFAULTS[name])


def mistakes() -> list[str]:
    """Return the mistakes in the settings, each with its correction."""
    given = getattr(settings, "SPAMGUARD", None)
    if not isinstance(given, dict):
        return ['SPAMGUARD is missing: SPAMGUARD = {"JOURNAL": BASE_DIR / "feedback.db"}']
    found = [
        f"SPAMGUARD has no setting {key!r}; there are {', '.join(DEFAULTS)}."
        for key in given
        if key not in DEFAULTS
    ]
    paths = (str, os.PathLike)
    if not (isinstance(setting("JOURNAL"), paths) and str(setting("JOURNAL"))):
        found.append('SPAMGUARD["JOURNAL"] must be a file, a database URL or env:NAME.')
    if not isinstance(setting("MODEL"), paths):
        found.append('SPAMGUARD["MODEL"] must be the name or the path of a model.')
    if not (setting("OWN_MODEL") is None or isinstance(setting("OWN_MODEL"), paths)):
        found.append('SPAMGUARD["OWN_MODEL"] must be a directory, or None.')
    if not isinstance(setting("SITE"), str):
        found.append('SPAMGUARD["SITE"] must be a string, the key of this site in the journal.')
    if setting("HOLD") not in ("unsure", "spam"):
        found.append('SPAMGUARD["HOLD"] must be "unsure" or "spam".')
    if not isinstance(setting("DISCARD"), bool):
        found.append('SPAMGUARD["DISCARD"] must be True or False.')
    return found


@cache
def site() -> Site:
    """Return this process's site; raise ImproperlyConfigured for wrong settings."""
    if wrong := mistakes():
        raise ImproperlyConfigured(" ".join(wrong))
    try:
        return Site(
            setting("JOURNAL"),
            name=setting("SITE"),
            model=setting("MODEL"),
            own_model=setting("OWN_MODEL"),
            hold=setting("HOLD"),
        )
    except SpamguardError as error:
        raise ImproperlyConfigured(str(error)) from error


def forget_site(setting: str, **_: Any) -> None:
    """Make a new site when tests change the settings."""
    if setting == "SPAMGUARD":
        if site.cache_info().currsize:
            site().close()
        site.cache_clear()
