"""Compile the extensions where there is a C compiler, and put models/ and datasets/ into a wheel."""

import os
import runpy
import shutil
import sys
from multiprocessing import get_start_method
from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import Distribution, Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError, CCompilerError

MODULES = runpy.run_path("spamguard/forms.py")["MODULES"]

# Indices stay checked: hostile text must not read out of bounds.
DIRECTIVES = {"language_level": 3}
# A fused multiplication would round otherwise than Python does.
OPTIONS = [] if sys.platform == "win32" else ["-O2", "-g0", "-ffp-contract=off"]
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

TRIAL = "#include <Python.h>\nPyMODINIT_FUNC PyInit_trial(void) { return NULL; }\n"


def has_compiler() -> bool:
    """Return whether an extension of one line compiles."""
    with TemporaryDirectory() as folder:
        source = Path(folder, "trial.c")
        source.write_text(TRIAL)
        command = build_ext(Distribution({"ext_modules": [Extension("trial", [str(source)])]}))
        command.build_lib = command.build_temp = folder
        try:
            command.ensure_finalized()
            command.run()
        except (BaseError, CCompilerError, OSError):
            return False
    return True


def extension_of(module: str) -> Extension:
    """Return the extension that a module compiles to."""
    source = module.replace(".", "/") + ".py"
    return Extension(module, [source], extra_compile_args=OPTIONS, optional=True)


class ExtensionBuild(build_ext):
    """Translates the modules to C before they are compiled."""

    def run(self) -> None:
        """Translate, then compile."""
        from Cython.Build import cythonize

        # A process that is not forked would run this file again.
        cores = CORES if get_start_method() == "fork" else 0
        translated = cythonize(
            self.extensions,
            nthreads=cores,
            build_dir="build/c",
            compiler_directives=DIRECTIVES,
        )
        for extension, made in zip(self.extensions, translated, strict=True):
            extension.sources = made.sources
        super().run()


class PackageBuild(build_py):
    """Fills the wheel anew, with models/ and datasets/ inside the package."""

    def run(self) -> None:
        """Copy the modules, then the model and the data sets."""
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)  # what an earlier build left
        super().run()
        for name in ("models", "datasets"):
            shutil.copytree(name, Path(self.build_lib, "spamguard", name))


# With this an editable install is a line in a .pth file, which type checkers follow; in a wheel,
# data files would get lost.
EDITABLE = {"": "."} if "editable_wheel" in sys.argv else {}

setup(
    package_dir=EDITABLE,
    ext_modules=[extension_of(module) for module in MODULES] if has_compiler() else [],
    cmdclass={"build_ext": ExtensionBuild, "build_py": PackageBuild},
    options={"build_ext": {"parallel": CORES}},
)
