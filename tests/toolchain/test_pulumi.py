"""How the everyday commands drive Pulumi."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from toolchain import pulumi
from toolchain.console import UserError

ROOT = Path(__file__).resolve().parents[2]

# Like the real one: at Ctrl-C it first brings its state in order, which takes a moment.
SLOW_TO_END = """#!/bin/sh
trap 'sleep 1.5; echo ended in order; exit 130' INT
echo started
while :; do sleep 0.1; done
"""


def test_ctrl_c_lets_pulumi_end_in_order(tmp_path: Path) -> None:
    """A pulumi that is killed leaves a lock, and containers that it has forgotten."""
    program = tmp_path / "pulumi"
    program.write_text(SLOW_TO_END)
    program.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-c", "from toolchain import pulumi; pulumi.run('up')"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # an impatient second one
    rest, _ = process.communicate(timeout=20)
    assert "ended in order" in rest


def test_a_stacks_own_settings_are_read_without_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi, "ROOT", tmp_path)
    assert pulumi.config("new") == {}
    pulumi.config_file("new").write_text('config:\n  ontology-hub:grafana: "false"\n')
    assert pulumi.config("new") == {"grafana": "false"}


@pytest.mark.parametrize("value", ["yes", "0x50", "1e3", "08", "2026-01-01", "null"])
def test_a_value_of_the_config_file_is_its_text(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi, "ROOT", tmp_path)
    pulumi.config_file("dev").write_text(f"config:\n  ontology-hub:protectData: {value}\n")
    assert pulumi.config("dev") == {"protectData": value}


@pytest.mark.parametrize(
    "text", ["config: [", "config: text", "- config", "text", "config: [1]", "\0", "a: *b"]
)
def test_a_config_file_that_pulumi_cannot_have_written_is_told_without_a_stack_trace(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi, "ROOT", tmp_path)
    pulumi.config_file("dev").write_text(text)
    with pytest.raises(UserError, match=r"Pulumi\.dev\.yaml cannot be read"):
        pulumi.config("dev")
