"""Hostile and careless configurations: refused, each with a message that is asserted whole."""

import itertools
import re
import shlex
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import backups, ontology, tls
from infra.problems import Problem, SettingsError, is_secret
from infra.settings import StackSettings
from tests.infra import hostile_configs, hostile_values
from tests.infra.hostile_configs import BAD, Bad
from tests.infra.hostile_values import RULES, SECRETS, shown

FIRST = "1 setting is wrong; nothing was changed.\n"
# What is common on a terminal: nothing that was right before may be pushed off it.
SCREEN = 1_000

VALUES = [(reason, *row) for reason, rows in RULES.items() for row in rows]
SECRET_VALUES = [(reason, *row) for reason, rows in SECRETS.items() for row in rows]


def problems(
    config: dict[str, str], secrets: dict[str, str] | None = None, stack: str = "dev"
) -> list[Problem]:
    """Return what is wrong; none of it floods a terminal, commands it, or shows a secret."""
    error: SettingsError | None = None
    try:
        StackSettings.from_config({**config, **(secrets or {})}, frozenset(secrets or {}), stack)
    except SettingsError as caught:
        error = caught
    if error is None:
        return []
    text = str(error)
    assert len(text) < SCREEN * len(error.problems)
    assert all(one.isprintable() or one == "\n" for one in text)
    assert "hunter2" not in text
    return error.problems


def said(config: dict[str, str], secrets: dict[str, str] | None = None, stack: str = "dev") -> str:
    return str(SettingsError(problems(config, secrets, stack)))


def test_there_are_many_and_no_rule_has_more_than_four() -> None:
    assert max(len(rows) for rows in RULES.values()) <= 4
    assert max(len(rows) for rows in SECRETS.values()) <= 4
    assert len(VALUES) + len(SECRET_VALUES) + len(BAD) >= 100


@pytest.mark.parametrize(("reason", "key", "value", "mended"), VALUES)
def test_a_bad_value_gets_its_message(reason: str, key: str, value: str, mended: str) -> None:
    assert said({key: value}) == (
        f"{FIRST}  ontology-hub:{key} = {shown(value)}\n      {reason}\n"
        f"      mend: pulumi config set ontology-hub:{key} {mended}"
    )


@pytest.mark.parametrize(("reason", "key", "value"), SECRET_VALUES)
def test_a_bad_secret_gets_its_message_without_the_value(reason: str, key: str, value: str) -> None:
    assert said({}, {key: value}) == (
        f"{FIRST}  ontology-hub:{key}\n      {reason}\n"
        f"      mend: pulumi config set --secret ontology-hub:{key}"
    )


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: str(bad)[:60])
def test_a_bad_configuration_gets_its_message(bad: Bad) -> None:
    assert said(bad.config, bad.secrets, bad.stack) == FIRST + bad.says


@pytest.mark.parametrize(
    ("config", "secrets", "stack"),
    [
        *(({key: value}, {}, "dev") for _, key, value, _ in VALUES),
        *(({}, {key: value}, "dev") for _, key, value in SECRET_VALUES),
        *((bad.config, bad.secrets, bad.stack) for bad in BAD),
        # Several at once, whose remedies must not be in each other's way.
        ({"backendPort": "5050", "grafanaPort": "5050", "databasePort": "5050"}, {}, "dev"),
        ({"backendPort": "x", "pgadminPort": "8000", "grafanaPort": "8000"}, {}, "dev"),
        ({"portOffset": "60000", "backendPort": "5050"}, {}, "dev"),
    ],
    ids=itertools.count(),
)
def test_the_commands_that_are_proposed_mend_it(
    config: dict[str, str], secrets: dict[str, str], stack: str
) -> None:
    config, secrets = dict(config), dict(secrets)
    found = problems(config, secrets, stack)
    assert found
    for problem in found:
        stack = obey(problem, config, secrets, stack)
    assert problems(config, secrets, stack) == []


def obey(problem: Problem, config: dict[str, str], secrets: dict[str, str], stack: str) -> str:
    """Do to the configuration what the problem's command would; return the stack's name."""
    if problem.mend == hostile_configs.BY_HAND:
        del config[problem.key]
        return stack
    words = shlex.split(re.sub("   ?[(].*[)]$| [(]with .*", "", problem.mend))
    match words:
        case ["pulumi", "stack", "rename", name]:
            return name
        case ["pulumi", "config", "rm", key]:
            del config[key.removeprefix("ontology-hub:")]
        case ["pulumi", "config", "set", "--secret", key]:
            assert is_secret(key)
            config.pop(key.removeprefix("ontology-hub:"), None)
            secrets[key.removeprefix("ontology-hub:")] = "a-new-one-!~"
        case ["pulumi", "config", "set", key, value]:
            secrets.pop(key.removeprefix("ontology-hub:"), None)
            config[key.removeprefix("ontology-hub:")] = value
        case _:
            raise AssertionError(f"no command: {problem.mend}")
    return stack


def test_a_flood_of_problems_is_cut() -> None:
    with pytest.raises(SettingsError) as caught:
        StackSettings.from_config({f"nonsense{n}": "1" for n in range(5_000)}, frozenset(), "dev")
    text = str(caught.value)
    assert text.startswith("5000 settings are wrong; nothing was changed.\n")
    assert text.endswith("\n  and 4960 more")
    assert len(text) < 40 * SCREEN


def a_loop(folder: Path) -> Path:
    (folder / "one").symlink_to(folder / "two")
    (folder / "two").symlink_to(folder / "one")
    return folder / "one"


def a_socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "s"))
    return folder / "s"


WHAT_NO_CONTAINER_MAY_SEE = "holds what no container may see: give the ontology a folder of its own"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (a_loop, "cannot be read: Too many levels of symbolic links"),
        (a_socket, "is neither a folder nor a tarball"),
        (lambda folder: folder / ("x" * 300), "cannot be read: File name too long"),
        (lambda _: "~/ontology", "does not exist (nobody expands the ~)"),
        (lambda _: "$HOME/ontology", "does not exist"),
        (lambda _: "-x", "does not exist"),
        (lambda _: "/dev/zero", WHAT_NO_CONTAINER_MAY_SEE),
        (lambda _: "/proc/self/root", WHAT_NO_CONTAINER_MAY_SEE),
        (lambda _: "../" * 1_000, WHAT_NO_CONTAINER_MAY_SEE),
        (lambda _: ".", WHAT_NO_CONTAINER_MAY_SEE),
    ],
)
def test_a_hostile_path_gets_its_message(
    tmp_path: Path, path: Callable[[Path], object], reason: str
) -> None:
    given = str(path(tmp_path))
    (problem,) = ontology.problems(StackSettings.model_validate({"ontologyPath": given}), 10001)
    assert str(problem) == (
        f"  ontology-hub:ontologyPath = {shown(given)}\n      {reason}\n"
        "      mend: pulumi config set ontology-hub:ontologyPath ''   (or another path)"
    )


@pytest.mark.parametrize("directory", ["/", "/usr", "/etc/../dev", "/proc/self/root/etc"])
def test_no_command_gives_a_folder_of_the_system_away(directory: str) -> None:
    given = {"backupDir": directory, "backupSchedule": "0 3 * * *"}
    (problem,) = backups.problems(StackSettings.model_validate(given), "local")
    assert problem.reason == "is a folder of the system's: the dumps need one of their own"
    assert problem.mend == "pulumi config set ontology-hub:backupDir .hub/backups"


def test_a_key_without_end_is_not_read() -> None:
    given = {"tlsCertificate": "/dev/zero", "tlsKey": "/dev/zero"}
    found = tls.problems(StackSettings.model_validate(given))
    assert [one.reason for one in found] == ["/dev/zero is no file"] * 2


def test_the_values_in_the_tables_are_bad_for_the_reason_that_is_told_alone() -> None:
    for rows in RULES.values():
        for key, value, mended in rows:
            good = "" if mended == hostile_values.NONE else mended
            assert value != good
            assert problems({key: good}) == []
