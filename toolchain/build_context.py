"""`.hub/build`: what image builds need of this host: its CA certificates and pip's index."""

import configparser
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from toolchain import files
from toolchain.paths import HUB, VENV

BUILD = HUB / "build"
CA = BUILD / "ca"
PIP_CONF = BUILD / "pip.conf"

HOST_CA = Path("/usr/local/share/ca-certificates")
DISTRIBUTION_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
SYSTEM_PIP_CONF = Path("/etc/pip.conf")
BUNDLE_SETTINGS = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"
)

# What holds inside a container as well; find-links and cert are paths on this host.
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "timeout")
# pip reads its time-out from the environment under another name than from its files.
PIP_ALIASES = {"default-timeout": "timeout"}


def refresh() -> None:
    """Bring `.hub/build` up to date; files that are right already are not touched."""
    CA.mkdir(parents=True, exist_ok=True)
    certificates = dict(_certificates())
    for old in CA.iterdir():
        if old.name not in certificates:
            old.unlink()
    for name, content in certificates.items():
        files.write(CA / name, content)
    # It may hold an index's password.
    files.write(PIP_CONF, _pip_conf().encode(), 0o600)


def _certificates() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the CA certificates beyond the distribution's own."""
    known: set[bytes] = set()
    for path in sorted(HOST_CA.rglob("*.crt")):
        content = path.read_bytes()
        known.update(map(_key, CERTIFICATE.findall(content)))
        yield str(path.relative_to(HOST_CA)).replace("/", "-"), content
    bundles = {Path(os.environ[name]) for name in BUNDLE_SETTINGS if os.environ.get(name)}
    bundles |= {Path(value) for value in [_pip_files().get("cert")] if value}
    for bundle in sorted(bundles):
        if not bundle.is_file() or bundle.samefile(DISTRIBUTION_BUNDLE):
            continue
        if DISTRIBUTION_BUNDLE.is_file():
            known.update(map(_key, CERTIFICATE.findall(DISTRIBUTION_BUNDLE.read_bytes())))
        for one in CERTIFICATE.findall(bundle.read_bytes()):
            if _key(one) not in known:
                known.add(_key(one))
                # One a file: update-ca-certificates takes no bundles.
                yield f"extra-{hashlib.sha256(_key(one)).hexdigest()[:12]}.crt", one + b"\n"


def _key(certificate: bytes) -> bytes:
    return b"".join(certificate.split())


def _pip_conf() -> str:
    """Return the host's index settings as a pip.conf; without any, one with an empty section."""
    settings = _pip_files()
    for name, value in os.environ.items():
        if name.startswith("PIP_"):
            option = name.removeprefix("PIP_").lower().replace("_", "-")
            settings[PIP_ALIASES.get(option, option)] = value
    lines = ["[global]"]
    for option in PIP_OPTIONS:
        if value := settings.get(option, "").strip():
            # Several values stand on a line each, indented.
            lines.append(f"{option} = " + "\n    ".join(value.split()))
    return "\n".join(lines) + "\n"


def _pip_files() -> dict[str, str]:
    """Return what pip's configuration files say, in pip's order: the last one wins."""
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    system = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    paths = [Path(one) / "pip" / "pip.conf" for one in system.split(os.pathsep)]
    paths += [SYSTEM_PIP_CONF, Path.home() / ".pip" / "pip.conf"]
    paths += [config_home / "pip" / "pip.conf"]
    paths += [Path(sys.base_prefix) / "pip.conf", VENV / "pip.conf"]
    if chosen := os.environ.get("PIP_CONFIG_FILE"):
        paths = [] if chosen == os.devnull else [*paths, Path(chosen)]
    settings: dict[str, str] = {}
    for path in paths:
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself names such a file when it runs
        for section in ("global", "install"):
            if parser.has_section(section):
                found = {key.replace("_", "-"): value for key, value in parser.items(section)}
                settings |= {PIP_ALIASES.get(key, key): value for key, value in found.items()}
    return settings
