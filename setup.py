"""Builds the cffi extension; everything else is in pyproject.toml."""

from setuptools import setup

setup(cffi_modules=["native/build_sigcore.py:ffibuilder"])
