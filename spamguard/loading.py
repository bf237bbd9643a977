"""Load late: the names of a package, and the libraries that an extra brings."""

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

# What a module's package is called, where it is not the same.
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
    """Name the extra to install if an import in the block fails for want of it.

    Parameters
    ----------
    extra : str, optional
        The extra to name; by default the one that lists the missing module.

    Raises
    ------
    MissingPackageError
        If a library of any extra is missing. Other failures pass unchanged.

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
    """Return ``__all__``, ``__getattr__`` and ``__dir__`` of a package that imports late.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    modules : mapping of str to sequence of str
        Its modules, each with the names that the package offers from it.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> object:
        if name in homes:
            with optional():
                return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return sorted(homes), load, lambda: sorted(homes)
