"""Plugins whose pulumi was killed are ended, and no others; with processes of the same names."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolchain import strays

START = "cd {project}/infra; {plugin} 60 >/dev/null & echo $!; wait"
Start = Callable[[Path, str], tuple[subprocess.Popen[str], int]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a shell under the name `pulumi` with one plugin; returns it and the plugin's pid."""
    shutil.copy2(str(shutil.which("sleep")), tmp_path / "pulumi-resource-docker")
    # A provider is a binary, the language host a script.
    script = tmp_path / "pulumi-language-python"
    script.write_text("#!/bin/sh\nwhile :; do sleep 0.1; done\n")
    script.chmod(0o755)
    engines: list[subprocess.Popen[str]] = []
    plugins: list[int] = []

    def run(project: Path, plugin: str) -> tuple[subprocess.Popen[str], int]:
        (project / "infra").mkdir(parents=True)
        line = START.format(project=project, plugin=tmp_path / plugin)
        engine = subprocess.Popen(
            ["pulumi", "-c", line], executable="/bin/sh", stdout=subprocess.PIPE, text=True
        )
        engines.append(engine)
        assert engine.stdout is not None
        plugins.append(int(engine.stdout.readline()))
        return engine, plugins[-1]

    yield run
    for engine in engines:
        engine.kill()
        engine.communicate()
    for pid in filter(runs, plugins):
        os.kill(pid, signal.SIGKILL)


def runs(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("plugin", ["pulumi-resource-docker", "pulumi-language-python"])
def test_a_plugin_is_ended_when_its_pulumi_was_killed_and_not_before(
    tmp_path: Path, start: Start, plugin: str
) -> None:
    project = tmp_path / "project"
    engine, pid = start(project, plugin)
    assert strays.end(project) == 0
    assert runs(pid)
    engine.kill()
    engine.wait()
    assert strays.end(project) == 1
    assert not runs(pid)


def test_the_plugins_of_another_project_are_left_alone(tmp_path: Path, start: Start) -> None:
    engine, pid = start(tmp_path / "another", "pulumi-resource-docker")
    engine.kill()
    engine.wait()
    assert strays.end(tmp_path / "project") == 0
    assert runs(pid)
