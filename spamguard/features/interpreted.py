"""Stands in for `cython` where the modules of this package run as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

compiled = False


def cfunc(function: _F) -> _F:
    """Mark a function that only compiled code calls."""
    return function


def inline(function: _F) -> _F:
    """Mark a function to be compiled where it is called."""
    return function


def declare(kind: object, value: Any) -> Any:
    """Return `value`, which compiled code keeps as `kind`."""
    return value


int = ulonglong = None


def boundscheck(_: bool) -> Callable[[_F], _F]:
    """Say whether compiled code checks indices."""
    return lambda function: function


wraparound = annotation_typing = boundscheck
