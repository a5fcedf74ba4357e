"""What this project's toolchain is made of: the one place where its versions are pinned.

The three Pulumi versions must be those of infra/requirements.txt, and of cli/go.mod for the CLI.
"""

PULUMI = "3.259.0"
PLUGINS = {"docker": "5.2.0", "random": "4.21.4"}

PYTHON_MINIMUM = (3, 11)
DOCKER_ENGINE_MINIMUM = "20.10"
DOCKER_API_MINIMUM = "1.41"
# Only where Pulumi must be built: `go` of cli/go.mod, which a dependency asks for.
GO_MINIMUM = "1.25.11"


def parse(version: str) -> tuple[int, ...]:
    """Return the numbers of a version ("v3.259.0-dev" -> 3, 259, 0); () if none."""
    numbers: list[int] = []
    for part in version.strip().removeprefix("v").split("-")[0].split("+")[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
