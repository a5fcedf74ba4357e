"""The mirror is found in the machine's own apt sources, whatever their format."""

from pathlib import Path

import pytest

from images import apt_sources
from toolchain.console import UserError

BOOKWORM = 'ID=debian\nVERSION_CODENAME="bookworm"\n'
KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://third.example/apt bookworm main
deb [trusted=yes] http://mirror.example/debian/ bookworm main contrib
deb-src http://source.example/debian bookworm main
deb http://mirror.example/security bookworm-security main  # fixes
deb http://mirror.example/debian bookworm-updates main
"""

DEB822 = f"""\
Types: deb
URIs: https://third.example/apt
Suites: bookworm
Components: main
Signed-By: /k.gpg

# a comment inside
Types: deb deb-src
URIs: http://mirror.example/debian-remote
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: {KEY}

Types: deb
Enabled: no
URIs: http://off.example/security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
"""


def machine(folder: Path, *, one_line: str = "", deb822: str = "", release: str = BOOKWORM) -> Path:
    (folder / "sources.list.d").mkdir()
    (folder / "sources.list").write_text(one_line)
    (folder / "sources.list.d" / "debian.sources").write_text(deb822)
    (folder / "os-release").write_text(release)
    return folder


def test_a_one_line_list_gives_the_mirror_and_not_a_third_party(tmp_path: Path) -> None:
    apt = machine(tmp_path, one_line=ONE_LINE)
    found = apt_sources.find(apt, apt / "os-release")
    assert found == apt_sources.Mirrors(
        "http://mirror.example/debian", "http://mirror.example/security"
    )


def test_deb822_gives_the_mirror_and_not_a_third_party_or_a_disabled_one(tmp_path: Path) -> None:
    apt = machine(tmp_path, deb822=DEB822)
    found = apt_sources.find(apt, apt / "os-release")
    assert found == apt_sources.Mirrors(
        "http://mirror.example/debian-remote", "http://mirror.example/security"
    )


def test_a_file_of_mirrors_is_followed(tmp_path: Path) -> None:
    listing = tmp_path / "mirrors.list"
    listing.write_text("# nearest first\nhttps://near.example/debian priority:1\n")
    apt = machine(tmp_path, one_line=f"deb mirror+file://{listing} bookworm main\n")
    assert apt_sources.find(apt, apt / "os-release").main == "https://near.example/debian"


def test_the_image_gets_updates_and_security_of_its_own_suite() -> None:
    text = apt_sources.Mirrors("http://m.example/debian", "http://m.example/sec").sources("trixie")
    assert "URIs: http://m.example/debian\nSuites: trixie trixie-updates\n" in text
    assert "URIs: http://m.example/sec\nSuites: trixie-security\n" in text
    assert text.count(f"Signed-By: {KEY}") == 2


@pytest.mark.parametrize("release", [BOOKWORM, "ID=ubuntu\nVERSION_CODENAME=noble\n"])
def test_a_machine_without_a_debian_mirror_is_told_what_to_do(tmp_path: Path, release: str) -> None:
    apt = machine(tmp_path, one_line="deb https://third.example/apt noble main\n", release=release)
    with pytest.raises(UserError) as refused:
        apt_sources.find(apt, apt / "os-release")
    assert "imageSource registry" in refused.value.mend
