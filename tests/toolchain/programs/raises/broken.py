"""A module with a bug."""


def divide(number: int) -> float:
    """Divide by zero, in line 6."""
    return number / 0
