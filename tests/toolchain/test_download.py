"""The official download is used only when it is what Pulumi has published."""

import hashlib
import http.server
import socket
import tarfile
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from toolchain import download, go, pulumi_cli, versions
from toolchain.console import UserError
from toolchain.pulumi_cli import Origin

SCRIPT = f"#!/bin/sh\necho v{versions.PULUMI}\n".encode()


def archive(*more: tuple[str, bytes]) -> bytes:
    """Return an archive as Pulumi publishes it, with a CLI that knows its version only."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        files = (("pulumi/pulumi", SCRIPT), ("pulumi/pulumi-language-python", SCRIPT), *more)
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return buffer.getvalue()


def publish(folder: Path, content: bytes, checksum: str | None = None) -> None:
    """Put an archive and its list of checksums into a served folder."""
    name = download.archive_name()
    (folder / name).write_bytes(content)
    digest = checksum or hashlib.sha256(content).hexdigest()
    lines = f"{'0' * 64}  pulumi-v{versions.PULUMI}-other-x64.tar.gz\n{digest}  {name}\n"
    (folder / f"pulumi-{versions.PULUMI}-checksums.txt").write_text(lines)


@pytest.fixture
def site(http_folder: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a download site on the loopback interface, with an empty cache."""
    folder, url = http_folder
    monkeypatch.setenv(download.MIRROR, url)
    monkeypatch.setenv("ONTOLOGY_HUB_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def no_build(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Note when a build would begin, instead of five minutes of it."""
    begun: list[Path] = []

    def build(folder: Path) -> None:
        begun.append(folder)
        raise UserError("built", "")

    monkeypatch.setattr(go, "build_cli", build)
    return begun


def test_the_published_archive_becomes_the_cli(site: Path, no_build: list[Path]) -> None:
    publish(site, archive())
    cli = pulumi_cli.bring(download.published_checksum())
    assert cli.origin is Origin.DOWNLOADED
    assert pulumi_cli.version_of(cli.program) == versions.PULUMI
    assert sorted(one.name for one in cli.folder.iterdir()) == ["pulumi", "pulumi-language-python"]
    assert [one.name for one in cli.folder.parent.iterdir()] == ["bin"]
    assert pulumi_cli.find("") == cli
    assert not no_build


def test_another_checksum_stops_and_is_not_built_around(site: Path, no_build: list[Path]) -> None:
    publish(site, archive(), checksum="1" * 64)
    with pytest.raises(UserError, match="is not what Pulumi has published"):
        pulumi_cli.bring(download.published_checksum())
    assert not no_build
    assert pulumi_cli.find("") is None


def test_an_archive_cannot_write_outside_its_folder(site: Path, no_build: list[Path]) -> None:
    publish(site, archive(("pulumi/../../evil", b"x"), ("/tmp/evil", b"x"), ("other/x", b"x")))  # noqa: S108
    cli = pulumi_cli.bring(download.published_checksum())
    found = [one.name for one in cli.folder.parents[1].rglob("*") if one.is_file()]
    assert sorted(found) == ["pulumi", "pulumi-language-python"]


def test_an_archive_that_is_gone_is_built_instead(site: Path, no_build: list[Path]) -> None:
    publish(site, archive())
    checksum = download.published_checksum()
    (site / download.archive_name()).unlink()
    with pytest.raises(UserError, match="built"):
        pulumi_cli.bring(checksum)
    assert no_build


def test_a_download_of_another_version_stops(site: Path, no_build: list[Path]) -> None:
    publish(site, archive(("pulumi/pulumi", b"#!/bin/sh\necho v3.1.0\n")))
    with pytest.raises(UserError, match=r"says it is '3.1.0'"):
        pulumi_cli.bring(download.published_checksum())
    assert pulumi_cli.find("") is None


def test_a_page_that_lists_no_checksum_is_no_answer(site: Path) -> None:
    (site / f"pulumi-{versions.PULUMI}-checksums.txt").write_text("<html>please log in</html>")
    with pytest.raises(download.UnreachableError, match="names no checksum"):
        download.published_checksum()


class _Truncating(http.server.BaseHTTPRequestHandler):
    """Promise more than is sent."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"x" * 1000)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def truncating(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the download site break off every answer."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Truncating)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(download.MIRROR, f"http://127.0.0.1:{server.server_address[1]}")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("truncating")
def test_a_download_that_breaks_off_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_build: list[Path]
) -> None:
    monkeypatch.setenv("ONTOLOGY_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="broke off after 1000 of 1000000 bytes"):
        pulumi_cli.bring("0" * 64)
    assert not no_build
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_site_that_is_not_there_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(download.MIRROR, "http://127.0.0.1:9")
    with pytest.raises(download.UnreachableError, match="refused"):
        download.published_checksum()


def test_a_site_that_never_answers_costs_a_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(download.MIRROR, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(download.UnreachableError, match=r"no answer within 0.5 s|timed out"):
            download.published_checksum()


def test_the_official_addresses_name_the_pinned_version() -> None:
    assert download.CHECKSUMS.endswith(f"/v{versions.PULUMI}")
    assert download.archive_name().startswith(f"pulumi-v{versions.PULUMI}-linux-")
    assert download.ARCHIVES.startswith("https://")
