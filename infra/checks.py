"""What is wrong with settings that are well by themselves: seen from this machine."""

from infra import backups, ontology, preflight, tls
from infra.naming import Naming
from infra.problems import Problem
from infra.services import backend
from infra.settings import StackSettings


def problems(settings: StackSettings, naming: Naming) -> list[Problem]:
    """Return all of it: asked by `make` before it builds anything, and by the program."""
    return [
        *preflight.taken_ports(settings, naming),
        *ontology.problems(settings, backend.UID),
        *backups.problems(settings, naming.stack),
        *tls.problems(settings),
    ]
