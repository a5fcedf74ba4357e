"""JSON values."""


def same(one: object, other: object) -> bool:
    """Tell whether two JSON values are equal, as PostgreSQL's jsonb compares them.

    Python alone takes true for 1.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other
