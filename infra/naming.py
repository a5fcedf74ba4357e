"""How everything the stack makes is named and labelled."""

from dataclasses import dataclass

# Label of a container: the identity of the state that it is in (infra/targets/ownership.py).
OWNER = "owner"


@dataclass(frozen=True)
class Naming:
    """Names of one stack; two stacks on one engine never share one."""

    project: str
    stack: str

    def of(self, role: str) -> str:
        """Name of the container, volume or network of a role."""
        return f"{self.project}-{self.stack}-{role}"

    def labels(self, role: str | None = None) -> dict[str, str]:
        """Labels by which everything of the stack is found again (see `make recover`)."""
        labels = {f"{self.project}.project": self.project, f"{self.project}.stack": self.stack}
        if role is not None:
            labels[f"{self.project}.role"] = role
        return labels

    def filters(self) -> list[str]:
        """Options by which a docker command lists this stack's objects and no others."""
        return [f"--filter=label={key}={value}" for key, value in self.labels().items()]
