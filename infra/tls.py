"""The user's certificate and key on this machine: whether they can be used, and what is in them."""

import shlex
import ssl
from pathlib import Path

import pulumi

from infra.images import ROOT
from infra.problems import Problem, set_command
from infra.settings import StackSettings

CERTIFICATE = "tlsCertificate"
KEY = "tlsKey"
EMPTY = "''"

BEGIN_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
BEGIN_KEY = b"PRIVATE KEY-----"


class _EncryptedKeyError(Exception):
    """The key asks for a password."""


def certificate(settings: StackSettings) -> pulumi.Output[str] | None:
    """Return certificate (and its chain) and key in one PEM text, secret; None without them."""
    if not settings.tls_certificate:
        return None
    files = (_path(settings.tls_certificate), _path(settings.tls_key))
    # There may be remarks of any encoding beside the PEM blocks, which are ASCII.
    texts = [file.read_text(encoding="ascii", errors="replace").strip() for file in files]
    return pulumi.Output.secret("\n".join(texts) + "\n")


def problems(settings: StackSettings) -> list[Problem]:
    """Return what keeps the proxy from speaking TLS with the configured files, if anything."""
    given = {CERTIFICATE: settings.tls_certificate, KEY: settings.tls_key}
    present = {key: _path(value) for key, value in given.items() if value}
    if not present:
        return []
    if contents := [key for key, value in given.items() if "-----BEGIN" in value]:
        # Its value is shown nowhere: it may be the key.
        return [_problem(key, "is a file's path, not what the file holds") for key in contents]
    if settings.hot_reload:
        reason = "needs the proxy, which is off with hotReload"
        bake = set_command("hotReload", "false")
        return [_problem(key, reason, f"{bake}, or {set_command(key, EMPTY)}") for key in present]
    if len(present) == 1:
        (there,), (absent,) = present, given.keys() - present
        return [_problem(absent, f"is missing: {there} is set, and each needs the other")]
    return _unreadable(present) or _unusable(present)


def _unreadable(files: dict[str, Path]) -> list[Problem]:
    found = []
    for key, path in files.items():
        marker = BEGIN_CERTIFICATE if key == CERTIFICATE else BEGIN_KEY
        try:
            if path.exists() and not (path.is_file() or path.is_dir()):
                found.append(_problem(key, f"{path} is no file"))  # a device may have no end
            elif marker not in path.read_bytes():
                what = "certificate" if key == CERTIFICATE else "private key"
                found.append(_problem(key, f"{path} holds no {what} in PEM form"))
        except FileNotFoundError:
            found.append(_problem(key, f"{path} does not exist"))
        except IsADirectoryError:
            found.append(_problem(key, f"{path} is a folder"))
        except OSError as error:
            mend = f"sudo setfacl -m u:$USER:r {shlex.quote(str(path))}"
            found.append(_problem(key, f"{path} cannot be read: {error.strerror}", mend))
    return found


def _unusable(files: dict[str, Path]) -> list[Problem]:
    """Return a problem if OpenSSL, which the proxy uses too, does not take the two files."""

    def ask() -> str:
        raise _EncryptedKeyError

    key = shlex.quote(str(files[KEY]))
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            files[CERTIFICATE], files[KEY], ask
        )
    except _EncryptedKeyError:
        decrypt = f"openssl pkey -in {key} -out KEY.pem && {set_command(KEY, 'KEY.pem')}"
        return [_problem(KEY, "is encrypted: nobody is there to type its password", decrypt)]
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return [_problem(KEY, f"is not the key of the certificate in {files[CERTIFICATE]}")]
        return [_problem(CERTIFICATE, f"cannot be used with its key: {error.reason or error}")]
    return []


def _problem(key: str, reason: str, mend: str | None = None) -> Problem:
    return Problem(
        key=key, reason=reason, mend=mend or f"{set_command(key, 'PATH')}   ({EMPTY} for none)"
    )


def _path(value: str) -> Path:
    return ROOT / value
