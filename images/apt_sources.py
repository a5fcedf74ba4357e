"""The Debian mirrors this machine uses, read from its apt sources."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolchain.console import UserError

APT = Path("/etc/apt")
OS_RELEASE = Path("/etc/os-release")


@dataclass(frozen=True)
class Source:
    """One repository as apt knows it: `uri suite components`, and the key it names, if any."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


@dataclass(frozen=True)
class Mirrors:
    """Where Debian is fetched from. `security` is None where the machine names no such mirror."""

    main: str
    security: str | None

    def sources(self, suite: str) -> str:
        """Return the deb822 text that makes a Debian `suite` use these mirrors."""
        stanzas = [(self.main, f"{suite} {suite}-updates")]
        if self.security:
            stanzas.append((self.security, f"{suite}-security"))
        return "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
            for uri, suites in stanzas
        )


def find(apt: Path = APT, os_release: Path = OS_RELEASE) -> Mirrors:
    """Return the mirrors this machine takes its own Debian packages from.

    Third-party repositories are told apart by what they lack: a Debian mirror serves the machine's
    release and either its updates, or Debian's key, or a path that ends in `debian`.

    Raises UserError where the machine has no Debian mirror (another distribution, or none set).
    """
    codename = _codename(os_release)
    sources = list(read(apt))
    updates = {source.uri for source in sources if source.suite == f"{codename}-updates"}
    main = [
        source.uri
        for source in sources
        if source.suite in (codename, "stable", "testing", "unstable", "sid")
        and "main" in source.components
        and (
            source.uri in updates
            or "debian-archive-keyring" in source.signed_by
            or source.uri.rstrip("/").endswith("/debian")
        )
    ]
    if not main:
        raise UserError(
            f"no Debian mirror in {apt}/sources.list or {apt}/sources.list.d, "
            "so no image can be built from Debian packages here",
            "add a Debian mirror to the apt sources, or use the public images: "
            "pulumi config set ontology-hub:imageSource registry",
        )
    security = [
        source.uri
        for source in sources
        if source.suite in (f"{codename}-security", f"{codename}/updates", "stable-security")
    ]
    return Mirrors(main[0], security[0] if security else None)


def read(apt: Path = APT) -> Iterator[Source]:
    """Yield every enabled binary source of both formats, one-line lists first."""
    for file in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]:
        if file.is_file():
            yield from _one_line(file.read_text(encoding="utf-8"))
    for file in sorted((apt / "sources.list.d").glob("*.sources")):
        yield from _deb822(file.read_text(encoding="utf-8"))


def _one_line(text: str) -> Iterator[Source]:
    pattern = re.compile(
        r"^deb\s+(?:\[(?P<options>[^]]*)]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)$"
    )
    for line in text.splitlines():
        found = pattern.match(line.split("#", 1)[0].strip())
        if found and (uri := _resolve(found["uri"])):
            key = re.search(r"signed-by=(\S+)", found["options"] or "")
            yield Source(uri, found["suite"], tuple(found["rest"].split()), key[1] if key else "")


def _deb822(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t":  # a folded value goes on
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes") == "no":
            continue
        components = tuple(fields.get("components", "").split())
        for uri in filter(None, map(_resolve, fields.get("uris", "").split())):
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, components, fields.get("signed-by", ""))


def _resolve(uri: str) -> str | None:
    """Return what can be fetched inside an image: Debian's cloud images name a file of mirrors."""
    if uri.startswith("mirror+file:"):
        listing = Path(re.sub(r"^mirror\+file:/*", "/", uri))
        if not listing.is_file():
            return None
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                return line.split()[0].rstrip("/")
        return None
    return uri.rstrip("/") if uri.startswith(("http://", "https://")) else None


def _codename(os_release: Path) -> str:
    text = os_release.read_text(encoding="utf-8") if os_release.is_file() else ""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if fields.get("ID", "").strip('"') != "debian":
        raise UserError(
            "the twins are built from the machine's own Debian mirror, and this is not Debian",
            "use the public images: pulumi config set ontology-hub:imageSource registry",
        )
    return fields.get("VERSION_CODENAME", "sid").strip('"')
