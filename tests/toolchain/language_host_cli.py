"""A Pulumi CLI with the language host of this work tree, away from all other installations."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
HOST = HERE.parents[1] / "toolchain" / "host"
MARKER = "LANGUAGE_HOST_TEST"  # environment variable that marks every process of a test
COMMAND_LIMIT = 60.0  # seconds


def install_cli(folder: Path) -> Path:
    """Put the CLI of PATH and the tree's language host into a folder; return the folder.

    The CLI looks for the host beside its own file, so a link would find the installed one.
    """
    found = shutil.which("pulumi")
    assert found, "there is no pulumi on PATH: run `make up` once, then `. .hub/env`"
    shutil.copytree(HOST, folder, ignore=shutil.ignore_patterns("__pycache__"))
    executable = Path(found).resolve()
    try:
        (folder / "pulumi").hardlink_to(executable)
    except OSError:  # another file system
        shutil.copy2(executable, folder / "pulumi")
    return folder


class Cli:
    """One project on its own file backend; every process it starts carries the same mark."""

    def __init__(self, binaries: Path, folder: Path, program: str, virtualenv: str | None) -> None:
        """Copy a program of PROGRAMS; `virtualenv` becomes its .venv, None: there is none yet."""
        self.project = folder / program
        shutil.copytree(PROGRAMS / program, self.project)
        for masked in self.project.rglob("*.py.txt"):
            masked.rename(masked.with_suffix(""))
        if virtualenv:
            (self.project / ".venv").symlink_to(virtualenv)
        state = folder / "state"
        state.mkdir()
        self.mark = uuid.uuid4().hex
        self.environment = {
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "USER": "tester",  # a CLI built without cgo has no other way to the name
            "LANG": "C.UTF-8",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the tests",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            MARKER: self.mark,
        }

    def start(self, arguments: str) -> "subprocess.Popen[str]":
        """Start a command in a process group of its own, as a shell does."""
        return subprocess.Popen(
            ["pulumi", *arguments.split(), "--color", "never", "--non-interactive"],
            cwd=self.project,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, arguments: str) -> tuple[int, str]:
        """Run a command to its end; return exit code and both streams."""
        process = self.start(arguments)
        output, _ = process.communicate(timeout=COMMAND_LIMIT)
        return process.returncode, output

    def succeed(self, arguments: str) -> str:
        """Run a command that has to succeed; return its output."""
        code, output = self.run(arguments)
        assert code == 0, f"pulumi {arguments}: exit code {code}\n{output}"
        return output

    def processes(self) -> dict[int, str]:
        """Return process id and command line of all living processes with this project's mark."""
        wanted = f"{MARKER}={self.mark}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and wanted in (entry / "environ").read_bytes():
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(entry.name)] = command.decode(errors="replace")
            except OSError:  # it ended while we looked, or is not ours
                continue
        return found

    def assert_no_process_left(self, within: float = 5.0) -> None:
        """Wait until no process is left; else kill what is left, so as to leave none, and fail."""
        end = time.monotonic() + within
        while left := self.processes():
            if time.monotonic() > end:
                for process in left:
                    os.kill(process, signal.SIGKILL)
                raise AssertionError(f"still running after {within} s: {left}")
            time.sleep(0.05)


def own_virtualenv() -> str:
    """Return the virtual environment these tests run in."""
    assert sys.prefix != sys.base_prefix, "run the tests with the virtual environment's pytest"
    return sys.prefix
