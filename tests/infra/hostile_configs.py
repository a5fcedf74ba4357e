"""Configurations that are wrong in other ways than by a value, each with its whole message."""

from dataclasses import dataclass, field

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Bad:
    """What a user has set, and what is said below the first line."""

    says: str
    config: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    stack: str = "dev"


def unknown(key: str, shown: str, reason: str, mend: str) -> Bad:
    return Bad(
        f"  ontology-hub:{shown}\n      no such setting; {reason}\n      mend: {mend}", {key: "1"}
    )


def misspelt(key: str, meant: str) -> Bad:
    return unknown(key, key, f"did you mean {meant}?", f"pulumi config rm ontology-hub:{key}")


def in_clear(key: str) -> Bad:
    return Bad(
        f"  ontology-hub:{key}\n"
        "      is a secret and stands in clear in the stack's config file\n"
        f"      mend: pulumi config set --secret ontology-hub:{key}"
        " (with a new one: this one is known now)",
        {key: "hunter2-hunter2"},
    )


def named(stack: str, shown: str, mended: str) -> Bad:
    return Bad(
        f"  (stack name) = {shown}\n"
        "      the stack's name becomes part of container and image names:"
        " lower-case letters, digits and single hyphens, 30 at most\n"
        f"      mend: pulumi stack rename {mended}",
        stack=stack,
    )


LISTED = "README.md lists those there are"
BY_HAND = "take it out of Pulumi.STACK.yaml, in an editor"

BAD = [
    Bad(
        "  ontology-hub:tlsKey = (the text of a PEM file)\n"
        "      holds a line break, or another character that is not seen\n"
        "      mend: pulumi config set ontology-hub:tlsKey ''",
        {"tlsKey": "-----BEGIN PRIVATE KEY-----\nhunter2"},
    ),
    misspelt("backend_port", "backendPort"),
    misspelt("BindAdress", "bindAddress"),
    misspelt("apppasword", "appPassword"),
    misspelt("trustedProxy", "trustedProxies"),
    unknown("$(id)", "$(id)", LISTED, "pulumi config rm 'ontology-hub:$(id)'"),
    unknown("x'; rm y", "x'; rm y", LISTED, """pulumi config rm 'ontology-hub:x'"'"'; rm y'"""),
    unknown("\x1b]0;x\x07", r"\x1b]0;x\x07", LISTED, BY_HAND),
    unknown("z" * MEGABYTE, "z" * 60 + "... (1000000 characters)", LISTED, BY_HAND),
    in_clear("postgresPassword"),
    in_clear("pgadminPassword"),
    in_clear("adminSecret"),
    in_clear("webhookSecret"),
    named("My_Stack", "'My_Stack'", "my-stack"),
    named("--help", "'--help'", "help"),
    named("dev\x1b[2J", r"'dev\x1b[2J'", "dev-2j"),
    named("q" * MEGABYTE, "'" + "q" * 59 + "... (1000000 characters)", "q" * 30),
    Bad(
        "  ontology-hub:registryMirror = 'user:***@r.example'\n"
        "      must look like host[:port][/path], in lower case, without a scheme, 200 characters"
        " at most\n"
        "      mend: pulumi config set ontology-hub:registryMirror ''",
        {"registryMirror": "user:hunter2@r.example"},
    ),
    Bad(
        "  ontology-hub:databasePort\n"
        "      must be a whole number, written with the digits 0 to 9 alone\n"
        "      mend: pulumi config set ontology-hub:databasePort ''",
        secrets={"databasePort": "hunter2"},
    ),
    Bad(
        "  ontology-hub:portOffset = 60000\n"
        "      lifts backendPort to 68000, beyond 65535\n"
        "      mend: pulumi config set ontology-hub:portOffset 0",
        {"portOffset": "60000"},
    ),
    Bad(
        "  ontology-hub:portOffset = 1\n"
        "      lifts grafanaPort to 65536, beyond 65535\n"
        "      mend: pulumi config set ontology-hub:portOffset 0",
        {"portOffset": "1", "grafanaPort": "65535"},
    ),
    Bad(
        "  ontology-hub:grafanaPort = 5050\n"
        "      is taken by pgadminPort already\n"
        "      mend: pulumi config set ontology-hub:grafanaPort 5051",
        {"grafanaPort": "5050"},
    ),
    Bad(
        "  ontology-hub:databasePort = 65535\n"
        "      is taken by backendPort already\n"
        "      mend: pulumi config set ontology-hub:databasePort 1024",
        {"backendPort": "65535", "databasePort": "65535"},
    ),
    Bad(
        "  ontology-hub:debug = 'true'\n"
        "      shows the backend's inside in its answers, and bindAddress 0.0.0.0 lets other"
        " machines in\n"
        "      mend: pulumi config set ontology-hub:debug false",
        {"debug": "true", "bindAddress": "0.0.0.0"},  # noqa: S104
    ),
    Bad(
        "  ontology-hub:databasePort = '5432'\n"
        "      publishes PostgreSQL, which speaks without encryption, and bindAddress 192.0.2.7"
        " lets other machines in\n"
        "      mend: pulumi config set ontology-hub:databasePort ''"
        "   (`make psql` works without it)",
        {"databasePort": "5432", "bindAddress": "192.0.2.7"},
    ),
]
