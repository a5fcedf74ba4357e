"""An official CLI gets official plugins where they are to be had, and built ones elsewhere."""

import platform
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.toolchain.clone import Clone
from toolchain import download, plugins, pulumi_cli, versions
from toolchain.console import UserError
from toolchain.pulumi_cli import Cli, Origin

OFFICIAL = b"#!/bin/sh\necho official\n"


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, real_cache: Path) -> Cli:
    """Return this machine's CLI as if it were an installed official one."""
    monkeypatch.setenv("ONTOLOGY_HUB_CACHE", str(real_cache))
    found = pulumi_cli.find("")
    assert found is not None, "python3 -m toolchain setup"
    return Cli(found.program, found.version, Origin.INSTALLED)


def publish(folder: Path, name: str) -> None:
    """Put an official plugin into a served folder."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    program = f"pulumi-resource-{name}"
    with tarfile.open(
        folder / f"{program}-v{versions.PLUGINS[name]}-linux-{machine}.tar.gz", "w:gz"
    ) as tar:
        member = tarfile.TarInfo(program)
        member.size, member.mode = len(OFFICIAL), 0o755
        tar.addfile(member, BytesIO(OFFICIAL))


def program(home: Path, name: str) -> Path:
    """Return where a plugin is installed."""
    folder = f"resource-{name}-v{versions.PLUGINS[name]}"
    return home / "plugins" / folder / f"pulumi-resource-{name}"


def test_official_plugins_are_taken_and_never_replaced(
    cli: Cli, tmp_path: Path, http_folder: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = http_folder
    monkeypatch.setenv(download.MIRROR, url)
    home = tmp_path / "home"
    for name in versions.PLUGINS:
        publish(folder, name)
    plugins.bring(cli, home, site_answers=True)
    for name in versions.PLUGINS:
        assert program(home, name).read_bytes() == OFFICIAL
    built = Cli(cli.program, cli.version, Origin.BUILT)
    assert plugins.missing(built, home) == plugins.missing(cli, home) == []


def test_a_site_that_lacks_them_leads_to_built_ones(
    cli: Cli, tmp_path: Path, http_folder: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(download.MIRROR, http_folder[1])
    home = tmp_path / "home"
    plugins.bring(cli, home, site_answers=True)
    assert all(program(home, name).stat().st_size > 10**7 for name in versions.PLUGINS)
    assert plugins.missing(cli, home) == []


def test_a_damaged_or_half_installed_plugin_is_installed_again(cli: Cli, tmp_path: Path) -> None:
    built = Cli(cli.program, cli.version, Origin.BUILT)
    home = tmp_path / "home"
    plugins.bring(built, home, site_answers=False)
    with program(home, "docker").open("ab") as file:
        file.write(b"more")
    partial = program(home, "random").parent
    partial.with_name(partial.name + ".partial").write_text("")
    assert plugins.missing(built, home) == ["docker", "random"]
    plugins.bring(built, home, site_answers=False)
    assert plugins.missing(built, home) == []


def test_one_built_from_other_sources_is_replaced(cli: Cli, tmp_path: Path) -> None:
    built = Cli(cli.program, cli.version, Origin.BUILT)
    home = tmp_path / "home"
    plugins.bring(built, home, site_answers=False)
    stamp = program(home, "docker").parent / plugins.STAMP
    current = stamp.read_text()
    stamp.write_text(f"00000000 {current.split()[1]}\n")
    assert plugins.missing(built, home) == ["docker"]
    assert plugins.missing(cli, home) == []  # good enough for an official CLI
    plugins.bring(built, home, site_answers=False)
    assert stamp.read_text() == current


def test_a_home_that_cannot_be_written_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    built = Cli(cli.program, cli.version, Origin.BUILT)
    with pytest.raises(UserError, match="cannot be installed in"):
        plugins.bring(built, tmp_path / "file" / "home", site_answers=False)


def test_a_provider_that_says_another_version_is_refused(clone: Clone) -> None:
    clone.program(
        "go",
        'while [ "$1" != -o ]; do shift; done\n'
        'mkdir -p "$(dirname "$2")"; printf "#!/bin/sh\\necho 1.0.0\\n" > "$2"; chmod +x "$2"',
    )
    build = "from toolchain import go, paths; go.build_provider(paths.ROOT / 'new', 'docker')"
    done = clone.python("-c", build)
    assert "says '1.0.0', not 5.2.0" in done.stderr
