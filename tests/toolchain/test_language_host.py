"""What a user sees of the Python language host: transcripts of a real CLI with a real engine."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.toolchain.language_host_cli import Cli, install_cli, own_virtualenv

UP = "up --yes --skip-preview"


class Step(NamedTuple):
    """One command: what its output must show, what it must not, and whether it succeeds."""

    command: str
    shows: tuple[str, ...] = ()  # regular expressions
    hides: tuple[str, ...] = ()
    succeeds: bool = True


# No user has to read about the files of the host, of asyncio or of the SDK.
INTERNALS = ("pulumi_language_host", "pulumi-language-python", "runpy", "asyncio", "site-packages")

TRANSCRIPTS: dict[str, tuple[str, list[Step]]] = {
    "up": (
        "outputs",
        [
            Step(
                UP,
                (
                    r"\+ 3 created",
                    r'greeting +: "hello"',
                    r'shouted +: "HELLO"',
                    r"secret +: \[secret\]",
                    r'folder +: "infra"',
                    r'organization *: "organization"',
                ),
                ("warning",),
            ),
            Step("up --yes", (r"Previewing", r"3 unchanged", r'registered *: "at-import"')),
        ],
    ),
    "preview": (
        "outputs",
        [
            Step("preview", (r"\+ 3 to create", r'shouted +: "HELLO"')),
            Step("stack export", (r'"deployment"',), (r"Greeting",)),
        ],
    ),
    "refresh": (
        "outputs",
        [
            Step(UP),
            Step("refresh --yes", (r"3 unchanged",), ("warning",)),
            Step("refresh --yes --run-program", (r"3 unchanged",)),
        ],
    ),
    "destroy": (
        "outputs",
        [
            Step(UP),
            Step("destroy --yes", (r"- 3 deleted",)),
            Step(UP),
            Step("destroy --yes --run-program", (r"- 3 deleted",)),
        ],
    ),
    "about": (
        "outputs",
        [
            Step(
                "about",
                (
                    r"written in python: executable='.*/outputs/\.venv/bin/python'",
                    rf"language +python +{re.escape(version('pulumi'))}",
                    rf"resource +docker +{re.escape(version('pulumi-docker'))}",
                    rf"resource +random +{re.escape(version('pulumi-random'))}",
                    rf"ruff +{re.escape(version('ruff'))}",
                ),
                (r"^grpcio ", "warning"),
            ),
            Step("about --transitive", (r"^grpcio ",)),
        ],
    ),
    "config": (
        "outputs",
        [
            Step("config set word good-day"),
            Step("config get word", (r"^good-day$",)),
            Step("config set --secret password hunter2"),
            Step("config", (r"password +\[secret\]", r"word +good-day"), ("hunter2",)),
            Step(UP, (r'shouted +: "GOOD-DAY"', r"secret +: \[secret\]"), ("hunter2",)),
            Step("stack output secret --show-secrets", (r"^hunter2$",)),
        ],
    ),
    "stack": (
        "outputs",
        [
            Step(UP),
            Step("stack output greeting", (r"^hello$",)),
            Step("stack output --json", (r'"secret": "\[secret\]"',)),
            Step("stack --show-urns", (r"test:index:Greeting::greeting",)),
            Step("stack ls", (r"dev\*",)),
        ],
    ),
    "raises": (
        "raises",
        [
            Step(
                UP,
                (
                    r"Traceback",
                    r'/raises/__main__\.py", line 5, in <module>\n +broken\.divide\(7\)',
                    r'/raises/broken\.py", line 6, in divide\n +return number / 0',
                    r"ZeroDivisionError: division by zero",
                ),
                INTERNALS,
                succeeds=False,
            ),
        ],
    ),
    "raises-in-apply": (
        "raises_later",
        [
            Step(
                UP,
                (r'/raises_later/__main__\.py", line \d+, in _look_up', r"KeyError: 'missing'"),
                INTERNALS,
                succeeds=False,
            ),
        ],
    ),
    "misspelt": (
        "misspelt",
        [Step(UP, (r'unfinished\.py", line 3', r"SyntaxError"), INTERNALS, succeeds=False)],
    ),
    "prints": (
        "prints",
        [
            Step(
                UP,
                (r"to stdout", r"to stderr", r"without end of line", r"from a thread", r"at exit"),
                INTERNALS,
            )
        ],
    ),
    "exits": (
        "exits",
        [Step(UP, (r"error: no stack without a plan",), ("Traceback", *INTERNALS), succeeds=False)],
    ),
    "missing-config": (
        "needs_config",
        [
            Step(
                UP,
                (
                    r"Missing required configuration variable 'needs-config:token'",
                    r"pulumi config set needs-config:token <value>",
                ),
                ("Traceback", *INTERNALS),
                succeeds=False,
            ),
            Step("config set token abc"),
            Step(UP, (r'token *: "abc"',)),
        ],
    ),
}


@pytest.fixture(scope="session")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a CLI with the tree's language host."""
    return install_cli(tmp_path_factory.mktemp("cli") / "bin")


@pytest.fixture
def project(binaries: Path, tmp_path: Path) -> Iterator[Callable[[str], Cli]]:
    """A function that makes a project with a stack `dev` from a program; none stays running."""
    made: list[Cli] = []

    def make(program: str) -> Cli:
        made.append(Cli(binaries, tmp_path, program, own_virtualenv()))
        made[-1].succeed("stack init dev")
        return made[-1]

    yield make
    for cli in made:
        cli.assert_no_process_left()


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_transcript_shows_what_a_user_expects(name: str, project: Callable[[str], Cli]) -> None:
    program, steps = TRANSCRIPTS[name]
    cli = project(program)
    for step in steps:
        code, output = cli.run(step.command)
        said = f"pulumi {step.command}: exit code {code}\n{output}"
        assert (code == 0) == step.succeeds, said
        for pattern in step.shows:
            assert re.search(pattern, output, re.MULTILINE), f"{pattern!r} is missing in {said}"
        for pattern in step.hides:
            assert not re.search(pattern, output, re.MULTILINE), (
                f"{pattern!r} must not be in {said}"
            )
        cli.assert_no_process_left()


def sleeping(cli: Cli) -> tuple[int, Callable[[], tuple[int, str]]]:
    """Start `up` of the program that sleeps; return process id and a function that waits."""
    process = cli.start(UP)
    end = time.monotonic() + 30
    while not (cli.project / "asleep").exists():
        assert time.monotonic() < end, "the program has not been started"
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)

    def wait() -> tuple[int, str]:
        output, _ = process.communicate(timeout=15)
        return process.returncode, output

    return process.pid, wait


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_program_cleans_up_and_says_nothing(
    number: signal.Signals, project: Callable[[str], Cli]
) -> None:
    cli = project("sleeps")
    engine, wait = sleeping(cli)
    os.killpg(engine, number)
    code, output = wait()
    assert code != 0, output
    assert "update canceled" in output
    assert "Traceback" not in output
    assert "KeyboardInterrupt" not in output
    cli.assert_no_process_left()
    assert (cli.project / "cleaned-up").exists()


def test_nothing_outlives_a_killed_engine(project: Callable[[str], Cli]) -> None:
    cli = project("sleeps")
    engine, wait = sleeping(cli)
    os.kill(engine, signal.SIGKILL)
    cli.assert_no_process_left()
    assert wait()[0] == -signal.SIGKILL
    assert (cli.project / "cleaned-up").exists()


def test_no_part_of_the_host_outlives_engine_and_host(project: Callable[[str], Cli]) -> None:
    cli = project("sleeps")
    engine, wait = sleeping(cli)
    # Both at once, as when memory runs out. The host is the eldest of its processes.
    os.kill(engine, signal.SIGKILL)
    os.kill(min(p for p, line in cli.processes().items() if "--serve" in line), signal.SIGKILL)
    end = time.monotonic() + 5
    while any("--serve" in line for line in cli.processes().values()):
        assert time.monotonic() < end, cli.processes()
        time.sleep(0.05)
    # What the program itself started was its own business, and is the test's now.
    for process, line in cli.processes().items():
        assert line.startswith("sleep"), line
        os.kill(process, signal.SIGKILL)
    wait()


def test_program_that_dies_is_reported_with_all_it_said(project: Callable[[str], Cli]) -> None:
    cli = project("sleeps")
    _, wait = sleeping(cli)
    program = max(p for p, line in cli.processes().items() if "--serve" in line)
    os.kill(program, signal.SIGKILL)
    code, output = wait()
    assert code != 0, output
    assert "the program was killed by signal 9 (SIGKILL)" in output
    assert "busy" in output
