"""Twins of the public images, for machines that reach no image registry (see README.md here)."""
