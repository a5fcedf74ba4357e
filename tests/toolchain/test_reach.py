"""What people are told of where the stack is: passwords only when they are asked for.

Pulumi's part is played by a script that answers as `pulumi stack output` does.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

PULUMI = """#!/bin/sh
case "$*" in
"stack output --stack test --json --show-secrets") /bin/cat "$ANSWERS/shown" ;;
"stack output --stack test --json") /bin/cat "$ANSWERS/masked" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""
BROWSER = """#!/bin/sh
echo "$1" >> "$ANSWERS/opened"
"""
SECRETS = {
    "pgadmin_password": "of-pgadmin",
    "database_url": "postgresql://ontology:of%2Fthe%40owner@127.0.0.1:5432/ontology_hub",
}
OUTPUTS = {
    "api_url": "http://127.0.0.1:8000",
    "docs_url": "http://127.0.0.1:8000/docs",
    "pgadmin_url": "http://127.0.0.1:5050",
    "pgadmin_email": "admin@example.com",
    **SECRETS,
}
GRAFANA = {"grafana_url": "http://127.0.0.1:3000", "grafana_password": "of-grafana"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run one of toolchain.reach's functions for a stack with these outputs."""
    for name, text in (("pulumi", PULUMI), ("browser", BROWSER)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        environment.pop(name, None)

    def call(
        function: str, outputs: dict[str, Any], **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        secrets = SECRETS.keys() | {"grafana_password"}
        masked = {key: "[secret]" if key in secrets else one for key, one in outputs.items()}
        (tmp_path / "shown").write_text(json.dumps(outputs))
        (tmp_path / "masked").write_text(json.dumps(masked))
        return subprocess.run(
            [sys.executable, "-c", f"from toolchain.reach import *; {function}('test')"],
            cwd=ROOT,
            env={**environment, "ANSWERS": str(tmp_path), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    return call


def test_an_up_ends_with_the_urls_and_the_command_for_the_passwords(run: Run) -> None:
    done = run("urls", OUTPUTS | {"ontology_import": "6 added, 0 changed"})
    assert done.stdout.splitlines() == [
        "service     URL",
        "front door  http://127.0.0.1:8000",
        "API docs    http://127.0.0.1:8000/docs",
        "pgAdmin     http://127.0.0.1:5050",
        "Grafana     off (see `grafana` in the README)",
        "imported: 6 added, 0 changed",
        "passwords: make open (or: pulumi stack output --show-secrets)",
    ]
    assert "Grafana     http://127.0.0.1:3000\n" in run("urls", OUTPUTS | GRAFANA).stdout


def test_open_shows_each_login_with_its_password(run: Run) -> None:
    assert run("open_hub", OUTPUTS | GRAFANA).stdout.splitlines() == [
        "service     URL                                       login              password",
        "front door  http://127.0.0.1:8000",
        "API docs    http://127.0.0.1:8000/docs",
        "pgAdmin     http://127.0.0.1:5050                     admin@example.com  of-pgadmin",
        "Grafana     http://127.0.0.1:3000                     admin              of-grafana",
        "PostgreSQL  postgresql://127.0.0.1:5432/ontology_hub  ontology           of/the@owner",
    ]


def test_open_opens_the_front_door_where_there_is_a_browser(run: Run, tmp_path: Path) -> None:
    done = run("open_hub", OUTPUTS, BROWSER=f"{tmp_path}/browser")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "opened").read_text() == "http://127.0.0.1:8000\n"


def test_a_terminals_browser_does_not_take_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "browser").rename(tmp_path / "www-browser")
    done = run("open_hub", OUTPUTS, TERM="xterm")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "opened").exists()


def test_a_browser_that_does_not_start_costs_no_more_than_a_line(run: Run, tmp_path: Path) -> None:
    done = run("open_hub", OUTPUTS, BROWSER=f"{tmp_path}/missing", PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("no browser could be started\n")


@pytest.mark.parametrize("outputs", [{}, {"ontology_import": "6 added"}])
def test_of_what_is_not_deployed_there_is_nothing_to_show(
    run: Run, outputs: dict[str, str]
) -> None:
    done = run("urls", outputs)
    assert (done.stdout, done.stderr) == ("", "")
    assert "UserError: stack test is not deployed" in run("open_hub", outputs).stderr
