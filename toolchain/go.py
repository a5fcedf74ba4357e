"""Build the Pulumi CLI and its providers from Go modules, for machines without their downloads.

Versions and checksums stand in cli/go.mod, providers/go.mod and their go.sum. The machine's own Go
settings (GOPROXY, GOSUMDB, GOMODCACHE, GOCACHE, GOTOOLCHAIN) are left as they are.
"""

import re
import shutil
from pathlib import Path

from toolchain import console, files, processes, versions
from toolchain.console import UserError
from toolchain.paths import SOURCES

CLI = SOURCES / "cli"
PROVIDERS = SOURCES / "providers"
# GOWORK: a go.work above the work tree must not change the build.
# CGO_ENABLED: no C compiler is needed.
SETTINGS = {"CGO_ENABLED": "0", "GOWORK": "off"}
STRIPPED = "-s -w"  # without symbols and debug information: a third smaller
VERSION_FLAG = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
HOW_TO_GET_GO = (
    f"install Go {versions.GO_MINIMUM} or newer (https://go.dev/dl, or your distribution's newest) "
    "and put its bin folder on PATH; or install Pulumi itself: "
    "https://www.pulumi.com/docs/install/"
)


def problem() -> UserError | None:
    """Return what is wrong with this machine's Go, or None if it can build."""
    if not shutil.which("go"):
        return UserError(
            "Pulumi must be built here, for its download site does not answer, and there is no Go",
            HOW_TO_GET_GO,
        )
    # In the module's folder: there a Go from 1.21 on brings the newer one itself, if it may.
    done = processes.answer(["go", "-C", str(CLI), "version"], seconds=180)
    if done.returncode != 0:  # -C is unknown before 1.20
        done = processes.answer(["go", "version"], seconds=20)
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", done.stdout)
    if match and versions.parse(match[1]) >= versions.parse(versions.GO_MINIMUM):
        return None
    what = f"is {match[1]}" if match else f"does not run ({done.stderr.strip()})"
    return UserError(
        "Pulumi must be built here, for its download site does not answer; that needs Go "
        f"{versions.GO_MINIMUM} or newer, but {shutil.which('go')} {what}",
        HOW_TO_GET_GO,
    )


def cli_digest() -> str:
    """Return what the built CLI depends on, as eight hex digits."""
    return files.digest(CLI.rglob("*"), CLI, versions.PULUMI)[:8]


def providers_digest() -> str:
    """Return what the built providers depend on, as eight hex digits."""
    return files.digest(PROVIDERS.rglob("*"), PROVIDERS, repr(versions.PLUGINS))[:8]


def build_cli(folder: Path) -> None:
    """Build `folder`/bin/pulumi."""
    console.say(
        "Pulumi is built from Go modules, once. Go keeps some 6 GB in its own caches meanwhile; "
        "afterwards you may free them: go clean -cache -modcache"
    )
    with console.progress(f"building the Pulumi CLI {versions.PULUMI}: about 5 min on 2 cores"):
        flag = f"-X {VERSION_FLAG}=v{versions.PULUMI}"
        package = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
        _build(CLI, folder / "bin" / "pulumi", package, flag)


def build_provider(folder: Path, name: str) -> None:
    """Build `folder`/pulumi-resource-NAME."""
    version = versions.PLUGINS[name]
    with console.progress(
        f"building Pulumi's {name} provider {version}: "
        f"about {5 if name == 'docker' else 1} min on 2 cores"
    ):
        program = f"pulumi-resource-{name}"
        _build(PROVIDERS, folder / program, f"./{program}", f"-X main.version={version}")
    built = processes.answer([str(folder / program), "-version"], seconds=60)
    if built.stdout.strip() != version:
        raise UserError(
            f"the {name} provider was built, but says {built.stdout.strip()!r}, not {version}:\n"
            + processes.tail(built.stderr),
            "go clean -cache, then the same make command again",
        )


def _build(module: Path, target: Path, package: str, flag: str) -> None:
    processes.work(
        [
            *("go", "build", "-mod=readonly", "-trimpath"),
            *("-ldflags", f"{STRIPPED} {flag}", "-o", str(target), package),
        ],
        mend="check that `go env GOPROXY` is reachable and the disk not full, then run the same "
        "make command again (what is built already is kept)",
        cwd=module,
        env=SETTINGS,
    )
