"""Image builds get the host's CA certificates and index settings, and nothing else of it."""

import base64
import os
from pathlib import Path

import pytest

from toolchain import build_context, files


def pem(text: str) -> bytes:
    """Return what looks like a certificate."""
    body = base64.encodebytes(text.encode() * 9).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n".encode()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a host's root with a distribution bundle, an own CA and no pip settings."""
    for name in ("HOST_CA", "DISTRIBUTION_BUNDLE", "BUILD", "CA", "PIP_CONF", "SYSTEM_PIP_CONF"):
        path = getattr(build_context, name)
        inside = path.relative_to(path.anchor)
        monkeypatch.setattr(build_context, name, tmp_path / inside)
    build_context.HOST_CA.mkdir(parents=True)
    (build_context.HOST_CA / "own.crt").write_bytes(pem("own"))
    build_context.DISTRIBUTION_BUNDLE.parent.mkdir(parents=True)
    build_context.DISTRIBUTION_BUNDLE.write_bytes(pem("world 1") + pem("world 2") + pem("own"))
    for name in list(os.environ):
        if name.startswith("PIP_") or name in build_context.BUNDLE_SETTINGS:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    return tmp_path


def certificates() -> dict[str, bytes]:
    """Return what builds get."""
    build_context.refresh()
    return {one.name: one.read_bytes() for one in build_context.CA.iterdir()}


def pip_conf() -> str:
    """Return the settings that builds get."""
    build_context.refresh()
    return build_context.PIP_CONF.read_text()


@pytest.mark.usefixtures("host")
def test_the_hosts_own_certificates_are_copied_and_old_ones_removed() -> None:
    assert certificates() == {"own.crt": pem("own")}
    (build_context.HOST_CA / "own.crt").rename(build_context.HOST_CA / "new.crt")
    assert certificates() == {"new.crt": pem("own")}


def test_a_bundle_adds_what_the_distribution_lacks(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = host / "bundle.pem"
    bundle.write_bytes(pem("world 1") + pem("corporate") + pem("own") + pem("corporate"))
    monkeypatch.setenv("PIP_CERT", str(bundle))
    found = certificates()
    assert sorted(found.values()) == sorted([pem("own"), pem("corporate")])
    assert all(name.endswith(".crt") for name in found)


@pytest.mark.usefixtures("host")
def test_the_distributions_own_bundle_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(build_context.DISTRIBUTION_BUNDLE))
    monkeypatch.setenv("PIP_CERT", "/gone.pem")
    assert list(certificates()) == ["own.crt"]


def test_index_settings_are_taken_and_host_paths_are_not(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = host / "config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text(
        "[global]\nindex-url = https://one.example/simple\nfind-links = /opt\ncert = /ca.pem\n"
        "[install]\ntrusted-host =\n    a.example\n    b.example\n"
    )
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "77")
    monkeypatch.setenv("PIP_FIND_LINKS", "/opt/wheels")
    monkeypatch.setenv(
        "PIP_EXTRA_INDEX_URL", "https://x:y%40z@two.example/simple https://3.example"
    )
    assert pip_conf() == (
        "[global]\n"
        "index-url = https://one.example/simple\n"
        "extra-index-url = https://x:y%40z@two.example/simple\n    https://3.example\n"
        "trusted-host = a.example\n    b.example\n"
        "timeout = 77\n"
    )
    assert build_context.PIP_CONF.stat().st_mode & 0o777 == 0o600


def test_the_environment_wins_over_the_files(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = host / "home" / ".pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text("[global]\nindex_url = https://file.example\n")
    assert "https://file.example" in pip_conf()
    monkeypatch.setenv("PIP_INDEX_URL", "https://environment.example")
    assert "index-url = https://environment.example\n" in pip_conf()


@pytest.mark.usefixtures("host")
def test_nothing_is_touched_when_nothing_has_changed() -> None:
    build_context.refresh()
    contents = [one for one in build_context.BUILD.rglob("*") if one.is_file()]
    before = [one.stat().st_mtime_ns for one in contents]
    build_context.refresh()
    assert [one.stat().st_mtime_ns for one in contents] == before


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert files.write(path, b"one", 0o600)
    assert not files.write(path, b"one", 0o600)
    assert files.write(path, b"two", 0o644)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
