"""The docker and random providers ("resource plugins") of the Pulumi CLI."""

import os
from pathlib import Path

from toolchain import console, files, go, processes, versions
from toolchain.console import UserError
from toolchain.paths import cache
from toolchain.pulumi_cli import Cli, Origin

INSTALL_SECONDS = 600.0
# Beside a provider that was built here: what it was built from. Official ones have none.
STAMP = "built-from"


def missing(cli: Cli | None, home: Path) -> list[str]:
    """Return the plugins that are not in `home` (a PULUMI_HOME), or there from other sources."""
    wanted = go.providers_digest() if cli is None or cli.origin is Origin.BUILT else None
    return [name for name in versions.PLUGINS if not _is_there(name, home, wanted)]


def bring(cli: Cli, home: Path, site_answers: bool) -> None:
    """Install the missing plugins: official ones for an official CLI, else built ones.

    Only to be called with the cache's lock held.
    """
    for name in missing(cli, home):
        if cli.origin is Origin.BUILT or not (site_answers and _official(cli, home, name)):
            _install_built(cli, home, name)
    if left := missing(cli, home):
        raise UserError(
            f"Pulumi's {' and '.join(left)} plugin is not in {home} after its installation",
            f"PULUMI_HOME={home} {cli.program} plugin ls, then the same make command again",
        )


def _is_there(name: str, home: Path, wanted: str | None) -> bool:
    folder = home / "plugins" / f"resource-{name}-v{versions.PLUGINS[name]}"
    # The CLI leaves a file of this name while it installs: half a plugin.
    if folder.with_name(f"{folder.name}.partial").exists():
        return False
    program, stamp = folder / f"pulumi-resource-{name}", folder / STAMP
    if not os.access(program, os.X_OK):
        return False
    if not stamp.exists():
        return True
    digest, size = (*stamp.read_text().split(), "", "")[:2]
    return size == str(program.stat().st_size) and wanted in (None, digest)


def _official(cli: Cli, home: Path, name: str) -> bool:
    from toolchain import download  # its imports cost every other setup 50 ms

    server = ["--server", site] if (site := download.mirror()) else []
    with console.progress(f"installing Pulumi's {name} plugin {versions.PLUGINS[name]}"):
        done = _pulumi(cli, home, name, *server)
    if done.returncode != 0:
        console.say(f"no official {name} plugin:\n{processes.tail(done.stderr)}")
    return done.returncode == 0


def _install_built(cli: Cli, home: Path, name: str) -> None:
    program = _built(name)
    done = _pulumi(cli, home, name, "--reinstall", "--file", str(program))
    if done.returncode != 0:
        raise UserError(
            f"Pulumi's {name} plugin cannot be installed in {home}:\n{processes.tail(done.stderr)}",
            "mend what it names, then run the same make command again",
        )
    folder = home / "plugins" / f"resource-{name}-v{versions.PLUGINS[name]}"
    stamp = f"{go.providers_digest()} {program.stat().st_size}\n"
    files.write(folder / STAMP, stamp.encode())


def _built(name: str) -> Path:
    """Return the built provider, from the cache or built now."""
    program = f"pulumi-resource-{name}"
    folder = cache() / f"{name}-provider-{versions.PLUGINS[name]}-built-{go.providers_digest()}"
    if not (folder / program).exists():
        with files.new_folder(folder) as new:
            go.build_provider(new, name)
    return folder / program


def _pulumi(cli: Cli, home: Path, name: str, *options: str) -> processes.Done:
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1", "PULUMI_HOME": str(home)}
    command = [str(cli.program), "plugin", "install", "resource", name, versions.PLUGINS[name]]
    return processes.answer([*command, *options], INSTALL_SECONDS, env)
