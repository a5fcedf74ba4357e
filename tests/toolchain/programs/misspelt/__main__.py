"""A program that imports a module with a syntax error."""

import unfinished  # type: ignore[import-not-found]  # noqa: F401
