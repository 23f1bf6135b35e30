"""Builds the cffi extension and ships the device's main.py; everything else is in pyproject.toml."""

from pathlib import Path
from shutil import copyfile

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildPy(build_py):
    """An installation flashes boards too, so it carries firmware/main.py, which is in no package of the tree."""

    def run(self) -> None:
        """Build as usual, then add the file."""
        super().run()
        if not self.editable_mode:
            copyfile("firmware/main.py", Path(self.build_lib, "jikimi", "edge", "main.py"))


setup(cffi_modules=["native/build_sigcore.py:ffibuilder"], cmdclass={"build_py": BuildPy})
