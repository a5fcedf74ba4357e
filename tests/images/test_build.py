"""`python -m images build`: quiet when there is nothing to do, and never half done."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import build, certificates, engine
from infra.images import ROOT, ImageSource, twin_tag
from tests.images.containers import docker
from toolchain import paths
from toolchain.console import UserError

SLOW_RECIPE = "ARG BASE\nFROM ${BASE}\nRUN echo %s && sleep 4\nRUN echo done > /done\n"
SECRET = "no-one-else-reads-this"
FAILING_RECIPE = "ARG BASE\nFROM ${BASE}\nRUN echo the reason; false # %s\n"


class Project:
    """A copy of what builds the twins, whose python recipe is replaced."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("backup", "images", "infra", "toolchain"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
        shutil.rmtree(root / "images" / "python")
        (root / "images" / "python").mkdir()
        copies = ROOT / ".hub" / "build" / "ca"
        if copies.is_dir():  # else the certificates would seem to have changed
            shutil.copytree(copies, root / ".hub" / "build" / "ca")

    def recipe(self, text: str) -> None:
        """Replace the recipe by one that no cache knows."""
        (self.root / "images" / "python" / "Dockerfile").write_text(text % time.time_ns())

    @property
    def tag(self) -> str:
        code = "from infra.images import twin_tag; print(twin_tag('python'))"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=self.root, capture_output=True, text=True, check=True
        ).stdout.strip()

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "images", "build"],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
        )

    def step_runs(self) -> None:
        """Wait until docker runs a step of the recipe."""
        log = self.root / ".hub" / "images" / "python.log"
        ends = time.monotonic() + 60
        while not (log.exists() and "Running in" in log.read_text()):
            assert time.monotonic() < ends, "the build did not start"
            time.sleep(0.1)


@pytest.fixture
def project(tmp_path: Path, python_image: str, source: ImageSource) -> Iterator[Project]:
    if source == "registry":
        pytest.skip("the twins are built where imageSource is local")
    made = Project(tmp_path)
    tags = []
    yield made
    tags.append(made.tag)
    for tag in tags:
        engine.remove(tag)


def work_folders() -> list[Path]:
    return list((paths.cache() / "images").glob("work-*"))


def test_a_build_with_nothing_to_do_is_silent_and_fast(
    postgres_image: str,
    python_image: str,
    pgadmin_image: str,
    haproxy_image: str,
    prometheus_image: str,
    postgres_exporter_image: str,
    node_exporter_image: str,
    source: ImageSource,
) -> None:
    if source == "registry":
        pytest.skip("the twins are built where imageSource is local")
    said: list[str] = []
    began = time.monotonic()
    built = [
        *(postgres_image, python_image, pgadmin_image, haproxy_image),
        *(prometheus_image, postgres_exporter_image, node_exporter_image),
    ]
    assert sorted(build.run(said.append)) == sorted(built)
    assert said == []
    assert time.monotonic() - began < 5


def test_two_builds_at_once_build_once(project: Project) -> None:
    project.recipe(SLOW_RECIPE)
    first = project.start()
    project.step_runs()
    second = project.start()
    first_said, _ = first.communicate(timeout=120)
    second_said, _ = second.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0)
    assert f"{project.tag} is ready" in first_said
    assert "waiting for it" in second_said
    assert "building" not in second_said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_build_leaves_no_image_and_the_next_one_succeeds(
    project: Project, number: signal.Signals
) -> None:
    project.recipe(SLOW_RECIPE)
    killed = project.start()
    project.step_runs()
    killed.send_signal(number)
    killed.communicate(timeout=60)
    assert killed.returncode != 0
    assert engine.label(project.tag, "any") is None
    if number == signal.SIGTERM:
        assert work_folders() == []
    again = project.start()
    said, _ = again.communicate(timeout=120)
    assert again.returncode == 0, said
    assert docker("run", "--rm", project.tag, "cat", "/done") == "done\n"
    assert work_folders() == []


def test_no_other_user_can_read_the_credentials_of_a_running_build(project: Project) -> None:
    project.recipe(SLOW_RECIPE.replace("&&", '&& test "$https_proxy" &&'))
    settings = project.root / ".hub" / "build" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"[global]\nindex-url = https://user:{SECRET}@localhost/simple\n")
    build = project.start(https_proxy=f"http://user:{SECRET}@localhost:9")
    project.step_runs()
    [work] = work_folders()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [work, *work.rglob("pip*")]}
    lines = [read(file) for file in Path("/proc").glob("[0-9]*/cmdline")]
    said, _ = build.communicate(timeout=120)
    assert build.returncode == 0, said  # so the recipe did get the proxy
    assert modes == {"work-python": 0o700, "pip.conf": 0o600}
    assert not [line for line in lines if SECRET in line]
    assert SECRET not in said + docker("history", "--no-trunc", project.tag)


def read(file: Path) -> str:
    """Return a process's command line: "" where it has ended."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def test_a_failed_build_shows_its_last_lines_and_leaves_no_image(project: Project) -> None:
    project.recipe(FAILING_RECIPE)
    failed = project.start()
    said, _ = failed.communicate(timeout=120)
    assert failed.returncode == 1
    assert "the reason" in said
    assert "python -m images build" in said
    assert "Traceback" not in said
    assert engine.label(project.tag, "any") is None
    assert work_folders() == []


def test_a_full_disk_is_reported_before_the_build(project: Project) -> None:
    twin = build.Twin("python", "Python", "never", work_mebibytes=10**9, engine_mebibytes=0)
    with pytest.raises(UserError, match="MiB free in "):
        build._require_space(twin)


def test_another_certificate_makes_what_trusts_the_host_out_of_date(
    tmp_path: Path, source: ImageSource, python_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "registry":
        pytest.skip("the twins are built where imageSource is local")
    (tmp_path / "new.crt").write_text("another")
    monkeypatch.setattr(certificates, "find", lambda: [tmp_path / "new.crt"])
    tags = {twin.recipe: twin_tag(twin.recipe) for twin in build.TWINS}
    assert [twin.recipe for twin in build._missing(tags)] == ["base", "python"]


def test_the_order_and_names_of_certificates_do_not_count(tmp_path: Path) -> None:
    for name, content in (("a.crt", "1"), ("b.crt", "2"), ("x.crt", "2"), ("y.crt", "1")):
        (tmp_path / name).write_text(content)
    one = certificates.digest([tmp_path / "a.crt", tmp_path / "b.crt"])
    assert one == certificates.digest([tmp_path / "x.crt", tmp_path / "y.crt"])
    assert one != certificates.digest([tmp_path / "a.crt"])
