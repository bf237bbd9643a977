"""Lazy loading of a package's names, and errors for missing extras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from spamguard.errors import MissingPackageError

_LIBRARIES: Final = {
    "train": ("sklearn", "scipy", "pandas", "joblib", "threadpoolctl", "tqdm"),
    "import": ("pymysql", "yaml"),
    "feedback": ("sqlalchemy",),
    "server": ("argon2", "httptools", "jinja2", "prometheus_client", "starlette", "uvicorn"),
    "django": ("django",),
    "flask": ("flask",),
    "fastapi": ("fastapi",),
    "isso": ("isso",),
    "analysis": ("matplotlib", "narwhals", "polars", "pyarrow"),
    "spark": ("pyspark",),
    "dask": ("dask", "distributed"),
}
"""Every extra and the modules that it installs."""

_EXTRAS: Final = {module: extra for extra, modules in _LIBRARIES.items() for module in modules}

# Packages named differently from their modules.
_PACKAGES: Final = {
    "argon2": "argon2-cffi",
    "django": "Django",
    "flask": "Flask",
    "jinja2": "Jinja2",
    "prometheus_client": "prometheus-client",
    "pymysql": "PyMySQL",
    "sklearn": "scikit-learn",
    "sqlalchemy": "SQLAlchemy",
    "yaml": "PyYAML",
}


@contextmanager
def optional(extra: str | None = None) -> Iterator[None]:
    """Name the extra to install if an import in the block fails.

    Raises MissingPackageError if a library of any extra is missing; the message names
    `extra`, or the one that lists the library. Other errors pass unchanged.

    Examples
    --------
    >>> with optional():
    ...     raise ModuleNotFoundError(name="sklearn.linear_model")
    Traceback (most recent call last):
    spamguard.errors.MissingPackageError: This needs scikit-learn: pip install 'spamguard[train]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in _EXTRAS:
            raise
        package, extra = _PACKAGES.get(module, module), extra or _EXTRAS[module]
        raise MissingPackageError(
            f"This needs {package}: pip install 'spamguard[{extra}]'", name=module
        ) from None


def attach(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__all__``, ``__getattr__`` and ``__dir__`` of a package with lazy names.

    `modules` maps each module to the names that the package offers from it.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> object:
        if name in homes:
            with optional():
                return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return sorted(homes), load, lambda: sorted(homes)
