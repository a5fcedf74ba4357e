"""A program whose packages are still to be installed."""

import leaf  # type: ignore[import-not-found]  # noqa: F401
