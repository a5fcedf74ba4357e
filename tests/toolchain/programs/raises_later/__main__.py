"""A program with a bug in a function given to `apply`."""

import pulumi


def _look_up(key: str) -> str:
    return {"a": "b"}[key]


pulumi.export("value", pulumi.Output.from_input("missing").apply(_look_up))
