"""The models in a worker's memory, reloaded while it runs.

A new model loads beside the old one and replaces it in one step. A model that cannot be
loaded is reported and changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from spamguard.comment import Comment
from spamguard.errors import SpamguardError
from spamguard.model import SpamModel
from spamguard.server.config import ServerConfig
from spamguard.storage import find_model, load_model

Stamp = tuple[int, int, int]
_SHARED: Final = 0  # instead of a site's number
# Hosts with three labels, one in punycode, make the lists of public suffixes load.
_ANY: Final = Comment("See http://a.example.com/, http://a.xn--p1ai.example/", "A", "a.example.org")


class Models:
    """The shared model and the sites' own.

    Parameters
    ----------
    report : callable
        Called with "reloaded", "refused" or "dropped", and the model's name.

    Raises
    ------
    SpamguardError
        If the shared model cannot be loaded.
    """

    def __init__(self, config: ServerConfig, report: Callable[[str, str], None]) -> None:
        self._config = config
        self._report = report
        self._checking = threading.Lock()
        self._stamps: dict[int, Stamp | None] = {_SHARED: _stamp(find_model(config.model))}
        self._models: dict[int, SpamModel] = {_SHARED: _loaded(config.model)}
        self.check()

    @property
    def shared(self) -> SpamModel:
        """The model of all sites without their own."""
        return self._models[_SHARED]

    def of(self, site: int) -> SpamModel:
        """Return the model of the site with this number, without its corrections."""
        return self._models.get(site) or self._models[_SHARED]

    def directory_of(self, site: int) -> Path:
        """Return the directory of a site's own model, for `spamguard.training.replace_model` too."""
        return self._config.models_directory / f"site-{site}"

    def check(self) -> None:
        """Load new models from the disk, and drop those that are gone."""
        with self._checking:
            self._check(_SHARED, self._directory())
            found = {
                int(place.name[5:]): place
                for place in self._config.models_directory.glob("site-*")
                if place.name[5:].isdecimal() and (place / "model.json").is_file()
            }
            for site in self._models.keys() - {_SHARED} - found.keys():
                self._models = {n: m for n, m in self._models.items() if n != site}
                self._stamps.pop(site, None)
                self._report("dropped", f"site-{site}")
            for site, place in found.items():
                self._check(site, place)

    def _directory(self) -> Path | None:
        try:
            return find_model(self._config.model)
        except SpamguardError:
            return None  # gone: keep the one in memory

    def _check(self, site: int, place: Path | None) -> None:
        # Taken before the model is read, so a model that is replaced meanwhile is read again.
        now = None if place is None else _stamp(place)
        if place is None or now is None or now == self._stamps.get(site):
            return
        try:
            model = _loaded(place)
        except SpamguardError:
            self._stamps[site] = now  # reported once, not every second
            self._report("refused", place.name)
            return
        self._models = self._models | {site: model}
        self._stamps[site] = now
        self._report("reloaded", place.name)


def _loaded(name_or_path: str | Path) -> SpamModel:
    """Return the model with its lazy data loaded, so that no request waits for it."""
    model = load_model(name_or_path)
    model.vectorizer.prepare()
    model.verdict(_ANY).strongest(1)
    return model


def _stamp(directory: Path) -> Stamp | None:
    try:
        found = (directory / "model.json").stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
