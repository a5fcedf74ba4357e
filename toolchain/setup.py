"""`python3 -m toolchain setup`: everything that `make up` and `make test` need, found or made."""

import os

from toolchain import (
    build_context,
    console,
    engine,
    environment,
    files,
    plugins,
    prerequisites,
    processes,
    pulumi_cli,
    virtualenv,
)
from toolchain.console import UserErrors
from toolchain.paths import HUB, VENV, cache
from toolchain.prerequisites import Needs
from toolchain.pulumi_cli import Cli, Origin


def setup() -> None:
    """Prepare this machine and clone; quick if all is there. Raises `UserError`, `UserErrors`."""
    for name in set(os.environ) - set(users := environment.own(os.environ)):
        del os.environ[name]
    docker_found = processes.Later(engine.look)  # both wait for a program that is slow to start
    cli = pulumi_cli.find(users.get("PATH", ""))
    docker = docker_found.result()
    own_cli = cli is None or cli.origin is not Origin.INSTALLED
    login = environment.login(users, own_cli)
    home = environment.home(login, users)

    incomplete = cli is None or bool(plugins.missing(cli, home))
    checksum, site_answers = _ask_site(cli) if incomplete else (None, False)
    needs = Needs(
        build=incomplete and not site_answers,
        download=incomplete,
        venv=not virtualenv.exists(),
    )
    if problems := prerequisites.problems(needs, docker):
        raise UserErrors(problems)

    prerequisites.install(needs)
    if not isinstance(docker, engine.Engine):
        docker = engine.start()
    console.found("docker", f"engine {docker.version} answers")
    if incomplete:
        with files.lock(cache()):
            cli = cli or pulumi_cli.bring(checksum)
            plugins.bring(cli, home, site_answers)
    assert cli is not None  # noqa: S101 (for the type checker: made above)
    pulumi_cli.refresh_language_host(cli)
    console.found("pulumi", f"{cli.version}, {cli.origin.value}: {cli.program}")
    environment.make_folder()
    folders = [VENV / "bin"]
    if cli.origin is not Origin.INSTALLED:
        folders.insert(0, cli.folder)
    with files.lock(HUB):
        virtualenv.ensure()
        build_context.refresh()
        environment.write(folders, login, docker.host)
    console.found("python", f"packages of requirements.txt in {VENV}")
    kept = f"{HUB}/state" if login.elsewhere is None else f"elsewhere ({login.elsewhere})"
    console.found("state", f"{kept}; to use Pulumi in a shell: source .hub/env")


def _ask_site(cli: Cli | None) -> tuple[str | None, bool]:
    """Return the CLI's published checksum, and whether the download site answers at all."""
    if cli is not None and cli.origin is Origin.BUILT:
        return None, False  # its providers are built as well
    from toolchain import download  # its imports cost every other setup 50 ms

    try:
        return download.published_checksum(), True
    except download.UnreachableError as error:
        console.say(f"no official download of Pulumi: {error}")
        return None, False
