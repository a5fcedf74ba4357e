"""The base image: a small Debian made by debootstrap from the machine's own mirror."""

import json
import os
import shutil
import subprocess
import tarfile
import tomllib
from pathlib import Path

from images import apt_sources, certificates, engine
from infra.images import RECIPES
from toolchain.console import UserError

RECIPE = RECIPES / "base"
CERTIFICATES_LABEL = "ontology-hub.certificates"


def build(name: str, work: Path, log: Path, say: engine.Say, lock: int) -> None:
    """Make the base image and give it `name`. `work` is an empty folder for its root file system.

    Raises UserError where this machine cannot: not Debian, not root, no mirror, or a failed step.
    """
    recipe = tomllib.loads((RECIPE / "recipe.toml").read_text(encoding="utf-8"))
    suite = recipe["suite"]
    mirrors = apt_sources.find()
    environment = proxy_environment()
    _require_debootstrap(log, say, lock)
    root = work / "root"
    # In a mount namespace of its own: what debootstrap mounts is gone with it, however it ends.
    engine.run_logged(
        [
            "unshare",
            "--mount",
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(recipe['include'])}",
            suite,
            str(root),
            mirrors.main,
        ],
        log,
        say,
        doing=f"debootstrap of Debian {suite} from {mirrors.main}",
        keep_open=lock,
        environment=environment,
    )
    extra = certificates.find()
    _put_files(root, mirrors.sources(suite), extra)
    engine.run_logged(
        ["unshare", "--mount", "chroot", str(root), "/bin/sh", "/finish.sh"],
        log,
        say,
        doing="installing Debian's updates into the base image",
        keep_open=lock,
        environment=environment,
    )
    (root / "finish.sh").unlink()
    _import(root, name, recipe["environment"], certificates.digest(extra))


def proxy_environment() -> dict[str, str]:
    """Return the proxy variables for downloads: this process's own, else apt's configuration."""
    found = {
        name: value
        for name in ("http_proxy", "https_proxy", "no_proxy")
        if (value := os.environ.get(name) or os.environ.get(name.upper()))
    }
    for scheme in ("http", "https"):
        answer = subprocess.run(
            ["apt-config", "shell", "PROXY", f"Acquire::{scheme}::Proxy"],
            capture_output=True,
            text=True,
            check=False,
        )
        value = answer.stdout.strip().removeprefix("PROXY=").strip("'")
        if value and value != "DIRECT":
            found.setdefault(f"{scheme}_proxy", value)
    return found


def _require_debootstrap(log: Path, say: engine.Say, lock: int) -> None:
    if os.geteuid() != 0:
        raise UserError(
            "debootstrap needs root to build the base image, and this is not root",
            "run it as root (sudo .venv/bin/python -m images build), or use the public images: "
            "pulumi config set ontology-hub:imageSource registry",
        )
    if shutil.which("debootstrap"):
        return
    if not shutil.which("apt-get"):
        raise UserError("debootstrap is missing", "install the package debootstrap")
    say("  installing debootstrap (about 10 s)")
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "debootstrap"]):
        engine.run_logged(
            command,
            log,
            say,
            doing=" ".join(command),
            keep_open=lock,
            environment={"DEBIAN_FRONTEND": "noninteractive"},
        )


def _put_files(root: Path, sources: str, extra: list[Path]) -> None:
    """Put what the image keeps (mirrors, dpkg and apt settings, certificates) in its place."""
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "etc/apt/sources.list.d/debian.sources").write_text(sources, encoding="utf-8")
    shutil.copyfile(RECIPE / "slim.conf", root / "etc/dpkg/dpkg.cfg.d/slim")
    shutil.copyfile(RECIPE / "apt.conf", root / "etc/apt/apt.conf.d/90slim")
    shutil.copyfile(RECIPE / "finish.sh", root / "finish.sh")
    target = root / "usr/local/share/ca-certificates"
    target.mkdir(parents=True, exist_ok=True)
    for number, certificate in enumerate(extra):
        # Numbered: two folders may hold files of one name, and update-ca-certificates links by it.
        copy = target / f"host-{number}-{certificate.name}"
        shutil.copyfile(certificate, copy)
        copy.chmod(0o644)


def _import(root: Path, name: str, environment: dict[str, str], certificates_digest: str) -> None:
    """Turn a root file system into an image: one layer, named only when it is whole."""
    changes = [f"ENV {key}={json.dumps(value)}" for key, value in environment.items()]
    changes += [f"LABEL {CERTIFICATES_LABEL}={certificates_digest}", 'CMD ["bash"]']
    command = ["docker", "import"]
    for change in changes:
        command += ["--change", change]
    process = subprocess.Popen(
        [*command, "-", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None  # noqa: S101 - stated by stdin=PIPE
    try:
        with tarfile.open(fileobj=process.stdin, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            tar.add(root, arcname=".")
        process.stdin.close()
    except BrokenPipeError:
        pass  # docker says why below
    process.stdin = None
    _, error = process.communicate()
    if process.returncode:
        raise UserError(
            f"docker import of the base image failed: {error.decode(errors='replace').strip()}",
            "if the disk is full: docker system df; then run: python -m images build",
        )
