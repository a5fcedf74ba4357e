"""A program with a bug in a function of another module."""

import broken  # type: ignore[import-not-found]

broken.divide(7)
