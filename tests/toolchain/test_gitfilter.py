"""A used clone stays clean for git and easy to pull, with a real git."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain.gitfilter import clean, machine_lines, smudge

ROOT = Path(__file__).resolve().parents[2]
SALT = "encryptionsalt: v1:c2FsdA==:v1:abc:def=="
COMMITTED = 'config:\n  ontology-hub:hotReload: "true"\n'
USED = f'{COMMITTED}  ontology-hub:imageSource: local\n  ontology-hub:grafana: "false"\n{SALT}\n'


def git(folder: Path, *arguments: str, fails: bool = False) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) is fails, done.stdout
    return done.stdout


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    folder = tmp_path / "up stream"  # a blank in the path, as on many a desktop
    (folder / "toolchain").mkdir(parents=True)
    for name in (".gitattributes", "toolchain/__init__.py", "toolchain/gitfilter.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".gitignore").write_text("/.hub/\n__pycache__/\n")
    (folder / "Pulumi.dev.yaml").write_text(COMMITTED)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@pytest.fixture
def used(upstream: Path, tmp_path: Path) -> Path:
    """A clone in which the stack was used: filter installed, salt and decisions written."""
    folder = tmp_path / "used clone"
    git(tmp_path, "clone", "--quiet", str(upstream), str(folder))
    in_clone(folder, "install")
    (folder / "Pulumi.dev.yaml").write_text(USED)
    in_clone(folder, "settle")
    return folder


def in_clone(folder: Path, function: str) -> None:
    call = f"from toolchain import gitfilter; gitfilter.{function}()"
    subprocess.run([sys.executable, "-c", call], cwd=folder, check=True)


def test_a_used_clone_is_not_modified_and_commits_no_salt(used: Path) -> None:
    assert git(used, "status", "--porcelain") == ""
    with (used / "Pulumi.dev.yaml").open("a") as file:
        file.write("# a remark of the user\n")
    git(used, "commit", "--quiet", "--all", "-m", "mine")
    committed = git(used, "show", "HEAD:Pulumi.dev.yaml")
    assert committed == f"{COMMITTED}# a remark of the user\n"


def test_a_pull_brings_the_upstream_change_and_keeps_this_machines_lines(
    upstream: Path, used: Path
) -> None:
    changed = COMMITTED + '  ontology-hub:databasePort: "5433"\n'
    (upstream / "Pulumi.dev.yaml").write_text(changed)
    (upstream / "other").write_text("more\n")
    git(upstream, "add", ".")
    git(upstream, "commit", "--quiet", "-m", "second")
    git(used, "status")
    git(used, "pull", "--quiet", "--ff-only")
    text = (used / "Pulumi.dev.yaml").read_text()
    assert clean(text) == changed
    assert set(machine_lines(text)) == set(machine_lines(USED))
    assert git(used, "status", "--porcelain") == ""


def test_a_stash_and_its_return_keep_a_configured_secret_readable(used: Path) -> None:
    """Without the salt nobody could decrypt the `secure:` value again."""
    path = used / "Pulumi.dev.yaml"
    secret = "  ontology-hub:appPassword:\n    secure: v1:abc:def\n"
    path.write_text(USED.replace(SALT, secret + SALT))
    git(used, "stash")
    assert SALT in path.read_text()
    git(used, "stash", "pop")
    assert SALT in path.read_text()
    assert secret in path.read_text()


def test_a_second_work_tree_is_made_without_complaint_and_has_lines_of_its_own(
    used: Path, tmp_path: Path
) -> None:
    said = git(used, "worktree", "add", str(tmp_path / "second"), "-b", "second")
    assert "error" not in said
    assert (tmp_path / "second" / "Pulumi.dev.yaml").read_text() == COMMITTED


def test_a_users_own_setting_is_still_a_change_to_git(used: Path) -> None:
    path = used / "Pulumi.dev.yaml"
    path.write_text(path.read_text().replace('"true"', '"false"'))
    in_clone(used, "settle")
    assert "Pulumi.dev.yaml" in git(used, "status", "--porcelain")


@pytest.mark.parametrize("text", [USED, COMMITTED, f"{SALT}\n{COMMITTED}", "", "config: {}\n"])
def test_smudge_after_clean_gives_every_machine_line_back_once(text: str) -> None:
    back = smudge(clean(text), machine_lines(USED))
    assert sorted(machine_lines(back)) == sorted(machine_lines(USED))
    assert smudge(back, machine_lines(USED)) == back
