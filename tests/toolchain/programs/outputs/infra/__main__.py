"""A program with a component, config, outputs, a sibling module and an import inside `apply`."""

from pathlib import Path

import parts  # type: ignore[import-not-found]
import pulumi


def _shout(text: str) -> str:
    from late import shout  # type: ignore[import-not-found]

    return str(shout(text))


config = pulumi.Config()
word = config.get("word") or "hello"
greeting = parts.Greeting("greeting", word)
pulumi.export("greeting", greeting.text)
pulumi.export("shouted", greeting.text.apply(_shout))
pulumi.export("secret", config.get_secret("password") or pulumi.Output.secret("none"))
pulumi.export("folder", Path.cwd().name)
pulumi.export("organization", pulumi.get_organization())
# Resources that a module registers when it is imported get lost where modules outlive a run.
pulumi.export("registered", parts.AT_IMPORT.urn.apply(lambda urn: urn.split("::")[-1]))
