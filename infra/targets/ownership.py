"""Whose the stack on the engine is: this state's, or another's of the same name.

Names tell stacks apart within one state. Another clone's state may have a stack of the same name on
the same engine, and `pulumi stack rename` leaves the old name on all that is there.
"""

import pulumi
import pulumi_random as random

from infra.naming import OWNER, Naming
from infra.targets.engine import EngineError, docker


class Ownership:
    """The identity of this stack in this state; whatever depends on `proven` is this state's."""

    def __init__(self, naming: Naming) -> None:
        """Declare the identity, which is made once and kept in the state."""
        identity = random.RandomId(
            OWNER,
            byte_length=6,
            # The name under which the stack was first deployed, whatever it is called now.
            prefix=f"{naming.stack}.",
            opts=pulumi.ResourceOptions(ignore_changes=["prefix"]),
        )

        async def prove(owner: str) -> random.RandomId:
            _refuse_a_new_name(naming, owner)
            await refuse_others(naming, owner)
            return identity

        self.id: pulumi.Output[str] = identity.hex
        self.proven: pulumi.Output[random.RandomId] = identity.hex.apply(prove)


def _refuse_a_new_name(naming: Naming, owner: str) -> None:
    deployed = owner.rpartition(".")[0]
    if deployed != naming.stack:
        raise EngineError(
            f"this stack was deployed as {deployed} and is called {naming.stack} now: an `up` "
            "would make it anew, with an empty database; nothing was changed.\n"
            f"To keep it: pulumi stack rename {deployed}\n"
            "To move its data: that, make backup, then make restore FILE=... in the new stack"
        )


async def refuse_others(naming: Naming, owner: str) -> None:
    """Raise `EngineError` if the engine has containers of another state's stack of this name.

    Containers without the label are of releases that had none.
    """
    label = f'--format={{{{.Label "{naming.project}.{OWNER}"}}}} {{{{.Names}}}}'
    listed = await docker("ps", "--all", *naming.filters(), label)
    others = [
        name
        for line in listed.splitlines()
        for found, _, name in [line.partition(" ")]
        if found not in ("", owner)
    ]
    if others:
        raise EngineError(
            f"the engine holds a stack {naming.stack} of another clone or state "
            f"({', '.join(sorted(others))}); nothing was changed.\n"
            "Choose another name and other ports here: pulumi stack init NAME; pulumi config set "
            "ontology-hub:portOffset 100\n"
            "If it is yours and its state was lost: make recover, which keeps the volumes"
        )
