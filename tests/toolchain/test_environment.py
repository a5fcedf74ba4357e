"""`.hub/env` can be sourced by any sh, again and again, and leaves a login elsewhere alone."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.toolchain.clone import Clone

WRITE = """
import os, sys
from pathlib import Path
from toolchain import environment
users = environment.own(os.environ)
login = environment.login(users, own_cli="installed" not in sys.argv)
environment.make_folder()
environment.write([Path("/a b/bin"), environment.ENV.parent.parent / ".venv/bin"], login, None)
print(login.elsewhere)
"""
SHOWN = (
    *("PULUMI_HOME", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"),
    *("PULUMI_SKIP_UPDATE_CHECK", "PATH", "PULUMI_CONFIG_PASSPHRASE", "USER"),
)


def write(clone: Clone, *arguments: str, **env: str) -> str:
    """Write `.hub/env`; return why the state is elsewhere, or "None"."""
    done = clone.python("-c", WRITE, *arguments, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sourced(
    clone: Clone, env: dict[str, str] | None = None, times: int = 1, shell: str = "sh"
) -> dict[str, str]:
    """Return the environment after `. .hub/env`."""
    shown = "; ".join(f'printf "%s\\0" "${{{name}-unset}}"' for name in SHOWN)
    script = "set -eu; " + ". ./.hub/env; " * times + shown
    done = subprocess.run(
        [shell, "-c", script],
        cwd=clone.root,
        env={**clone.env, **(env or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return dict(zip(SHOWN, done.stdout.split("\0"), strict=False))


def test_the_users_name_is_set_where_it_is_not(clone: Clone) -> None:
    """Without it the built CLI ends with `user: Current requires cgo or $USER set`."""
    write(clone)
    name = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    without = {key: value for key, value in clone.env.items() if key != "USER"}
    clone.env = without
    assert sourced(clone)["USER"] == name
    assert sourced(clone, {"USER": "somebody"})["USER"] == "somebody"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_paths_with_blanks_and_quotes_survive(clone: Clone, shell: str) -> None:
    write(clone)
    env = sourced(clone, shell=shell)
    assert env["PATH"] == f"/a b/bin:{clone.root}/.venv/bin:{clone.env['PATH']}"
    assert env["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{clone.root}/.hub/passphrase"
    assert env["PULUMI_HOME"] == f"{clone.env['ONTOLOGY_HUB_CACHE']}/home"
    assert env["PULUMI_SKIP_UPDATE_CHECK"] == "1"
    assert " " not in env["PULUMI_BACKEND_URL"]
    assert "100%25" in env["PULUMI_BACKEND_URL"]


def test_sourcing_it_again_changes_nothing(clone: Clone) -> None:
    write(clone)
    assert sourced(clone, times=3) == sourced(clone)


def test_a_passphrase_of_the_shell_does_not_lock_the_state(clone: Clone) -> None:
    write(clone)
    assert (
        sourced(clone, {"PULUMI_CONFIG_PASSPHRASE": "mine"})["PULUMI_CONFIG_PASSPHRASE"] == "unset"
    )


def test_writing_it_again_changes_no_byte_and_no_time(clone: Clone) -> None:
    write(clone)
    files = [clone.root / ".hub" / name for name in ("env", "passphrase")]
    before = [(one.read_bytes(), one.stat().st_mtime_ns) for one in files]
    write(clone)
    assert [(one.read_bytes(), one.stat().st_mtime_ns) for one in files] == before


def test_only_the_owner_can_read_it(clone: Clone) -> None:
    previous = os.umask(0)
    try:
        write(clone)
    finally:
        os.umask(previous)
    hub = clone.root / ".hub"
    modes = {one.name: oct(one.stat().st_mode & 0o777) for one in hub.iterdir()}
    assert modes == {"env": "0o600", "passphrase": "0o600", "state": "0o700"}
    assert oct(hub.stat().st_mode & 0o777) == "0o700"


def test_a_passphrase_is_long_and_another_one_in_each_clone(clone: Clone) -> None:
    write(clone)
    first = (clone.root / ".hub" / "passphrase").read_text()
    (clone.root / ".hub" / "passphrase").unlink()
    write(clone)
    second = (clone.root / ".hub" / "passphrase").read_text()
    assert len(first.strip()) >= 40
    assert first != second


def test_a_passphrase_is_never_overwritten_but_closed_to_others(clone: Clone) -> None:
    passphrase = clone.root / ".hub" / "passphrase"
    passphrase.parent.mkdir()
    passphrase.write_text("from another machine\n")
    passphrase.chmod(0o644)
    write(clone)
    assert passphrase.read_text() == "from another machine\n"
    assert passphrase.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "env",
    [
        {"PULUMI_BACKEND_URL": "s3://states"},
        {"PULUMI_BACKEND_URL": "file:///srv/states"},
        {"PULUMI_ACCESS_TOKEN": "pul-1"},
    ],
)
def test_a_login_in_the_environment_is_left_alone(clone: Clone, env: dict[str, str]) -> None:
    assert write(clone, **env) == f"{next(iter(env))} is set"
    result = sourced(clone, env)
    assert result["PULUMI_BACKEND_URL"] == env.get("PULUMI_BACKEND_URL", "unset")
    assert result["PULUMI_HOME"] == "unset"
    assert result["PULUMI_CONFIG_PASSPHRASE_FILE"] == "unset"
    assert not (clone.root / ".hub" / "passphrase").exists()


@pytest.mark.parametrize("where", ["home/.pulumi", "other"])
def test_a_login_by_pulumi_login_is_left_alone(clone: Clone, where: str) -> None:
    home = clone.root.parent / where
    home.mkdir(parents=True)
    (home / "credentials.json").write_text(json.dumps({"current": "https://api.pulumi.com"}))
    env = {} if where == "home/.pulumi" else {"PULUMI_HOME": str(home)}
    assert write(clone, **env) == "logged in to https://api.pulumi.com"
    assert sourced(clone, env)["PULUMI_BACKEND_URL"] == "unset"


@pytest.mark.parametrize("text", ['{"current": ""}', "{}", "null", "half a fi"])
def test_a_logout_or_a_broken_file_is_no_login(clone: Clone, text: str) -> None:
    home = Path(clone.env["HOME"]) / ".pulumi"
    home.mkdir()
    (home / "credentials.json").write_text(text)
    assert write(clone) == "None"


def test_a_home_of_the_users_own_stays(clone: Clone) -> None:
    assert write(clone, PULUMI_HOME="/srv/pulumi") == "None"
    assert sourced(clone, {"PULUMI_HOME": "/srv/pulumi"})["PULUMI_HOME"] == "/srv/pulumi"


def test_an_installed_cli_keeps_its_home(clone: Clone) -> None:
    assert write(clone, "installed") == "None"
    assert sourced(clone)["PULUMI_HOME"] == "unset"


def test_what_it_has_set_itself_is_no_login_elsewhere(clone: Clone) -> None:
    write(clone)
    first = (clone.root / ".hub" / "env").read_bytes()
    inside = '. ./.hub/env; exec python3 -c "$WRITE"'
    done = subprocess.run(
        ["sh", "-c", inside],
        cwd=clone.root,
        env={**clone.env, "WRITE": WRITE},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "None\n"
    assert (clone.root / ".hub" / "env").read_bytes() == first


def test_what_another_clone_has_set_is_no_login_elsewhere_either(
    clone: Clone, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    state = f"file://{other}/.hub/state"
    (other / "env").write_text(f"export PULUMI_BACKEND_URL={state}\n")
    assert write(clone, ONTOLOGY_HUB_ENV=f"{other}/env", PULUMI_BACKEND_URL=state) == "None"
    assert write(clone, ONTOLOGY_HUB_ENV=f"{other}/env", PULUMI_BACKEND_URL="s3://x") != "None"
    assert write(clone, ONTOLOGY_HUB_ENV="/gone", PULUMI_BACKEND_URL=state) != "None"
