"""Imported by a function given to `apply`, after the program's file has ended."""


def shout(text: str) -> str:
    """Return the text in capitals."""
    return text.upper()
