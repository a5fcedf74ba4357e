"""Drive the Pulumi CLI as its user would."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from infra.problems import PROJECT
from toolchain.console import UserError

ROOT = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> None:
    """Run pulumi with its output on the terminal; raises `UserError` when it fails."""
    process = subprocess.Popen(["pulumi", *arguments], cwd=ROOT)
    interrupted = False
    while process.poll() is None:
        try:
            process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached pulumi too. It ends by itself, with its state in order, if nobody
            # kills it first; left at once, it would leave a lock and containers that it forgot.
            interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    if process.returncode != 0:
        raise UserError(
            f"`pulumi {' '.join(arguments)}` failed; its message stands above",
            "mend what it names, then run the same make command again",
        )


def capture(*arguments: str) -> str:
    """Run pulumi and return what it prints; raises `UserError` with its words when it fails."""
    done = subprocess.run(
        ["pulumi", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise UserError(
            f"`pulumi {' '.join(arguments)}` failed: {done.stderr.strip()}",
            "mend what it names, then run the same make command again",
        )
    return done.stdout


def stack_name() -> str:
    """Return the stack to work on: STACK names it; else the one selected; else `dev`."""
    return os.environ.get("STACK") or _selected() or "dev"


def select(stack: str) -> None:
    """Select the stack, and create it if it is new."""
    capture("stack", "select", "--create", stack)


def _selected() -> str | None:
    stacks: list[dict[str, Any]] = json.loads(capture("stack", "ls", "--json"))
    return next((str(one["name"]) for one in stacks if one.get("current")), None)


def config_file(stack: str) -> Path:
    """Return the stack's config file (which may not exist yet)."""
    return ROOT / f"Pulumi.{stack}.yaml"


def config(stack: str) -> dict[str, Any]:
    """Return what the stack's config file sets, without the defaults of Pulumi.yaml.

    Values are the file's text (`yes`, `0x50`), except secrets, which are mappings. Raises
    `UserError` where the file is not what Pulumi writes.
    """
    path = config_file(stack)
    try:
        # BaseLoader: what YAML takes for a truth or a number is another matter with each reader.
        whole = yaml.load(path.read_text(), yaml.BaseLoader) if path.exists() else None  # noqa: S506
        values = dict((whole or {}).get("config") or {})
    except (ValueError, TypeError, AttributeError, yaml.YAMLError):
        raise UserError(
            f"{path.name} cannot be read: it has to be YAML with a mapping under `config:`",
            f"mend {path.name} in an editor",
        ) from None
    return {str(key).removeprefix(f"{PROJECT}:"): value for key, value in values.items()}


def set_config(stack: str, key: str, value: str) -> None:
    """Write one plain config value down."""
    capture("config", "set", "--stack", stack, f"{PROJECT}:{key}", value)


def export(stack: str) -> dict[str, Any]:
    """Return the stack's state (a Pulumi `deployment`), secrets encrypted as they are stored."""
    found: dict[str, Any] = json.loads(capture("stack", "export", "--stack", stack))
    # A service may have none for a stack that was never deployed.
    deployment: dict[str, Any] = found.get("deployment") or {}
    return deployment


def outputs(stack: str, *, secrets: bool = False) -> dict[str, Any]:
    """Return the stack's outputs, secrets masked unless asked for; empty if nothing is deployed."""
    shown = ["--show-secrets"] if secrets else []
    text = capture("stack", "output", "--stack", stack, "--json", *shown)
    found: dict[str, Any] = json.loads(text)
    return found
