"""Sources: what is taken from a folder, a checkout, a tarball, and which wholes are refused."""

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from dulwich import porcelain
from dulwich.repo import Repo

from app.importer import archive
from app.importer.load import open_source
from app.importer.sources import MAX_FILE_BYTES, ImportFailed, Source
from tests.app import ontologies
from tests.app.ontologies import category, write_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def paths(source: Source) -> list[str]:
    """Return the paths of the source's items, all of which can be read."""
    found = list(source.files())
    source.close()
    assert [one.fault for one in found if one.data is None] == []
    return sorted(one.path for one in found)


def refusal(path: Path) -> str:
    """Return why a source is refused as a whole."""
    with pytest.raises(ImportFailed) as refused:
        paths(open_source(path))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def commit_of(path: Path) -> str | None:
    """Return the commit that a tarball names."""
    source = open_source(path)
    source.close()
    return source.commit_sha


def pack(path: Path, root: Path, prefix: str, mode: str = "w", **options: object) -> Path:
    """Write a tarball of a folder's content."""
    with tarfile.open(path, mode, **options) as tar:  # type: ignore[call-overload]
        tar.add(root, prefix or ".")
    return path


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tarball; `fields` are attributes of its header."""
    header = tarfile.TarInfo(name)
    header.size = len(data)
    for key, value in fields.items():
        setattr(header, key, value)
    return header, data


def claiming(name: str, size: int) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member that is said to be larger than it is."""
    header, data = member(name)
    header.size = size
    return header, data


def tarball(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """Write a tarball of these members after a good one."""
    with tarfile.open(path, "w") as tar:
        for header, data in (member("categories/Good.json", b'{"id": "Good"}'), *members):
            tar.fileobj.write(header.tobuf())
            tar.fileobj.write(data + bytes(-len(data) % 512))
    return path


EXPECTED = {
    ontologies.JSON_A: {},
    ontologies.JSON_B: {"templates": 1, "dashboards": 1, "resources": 1},
    ontologies.WIKITEXT_C1: {},
    ontologies.WIKITEXT_C2: {"dashboards": 2, "resources": 1, "media": 1},
}


@pytest.mark.parametrize("root", ontologies.ALL, ids=lambda root: root.name)
def test_a_folder_gives_its_items_and_counts_what_has_no_place(root: Path) -> None:
    source = open_source(root)
    assert paths(source) == [file.path for file in ontologies.files_of(root)]
    assert source.skipped == EXPECTED[root]
    assert (source.commit_sha, source.name) == (None, None)


def test_only_kinds_at_the_top_level_count(tmp_path: Path) -> None:
    names = [
        "categories/Hive.json", "categories/deeper/Hive.json", "categories/Hive.txt",
        "categories/_schema.json", "categories/.hidden.json", "categories/versions/1.json",
        "categories/Hive/versions/1.0.0/Hive.json", "scripts/categories/Hive.json", "Hive.json",
        "unknown/Hive.json", "media/versions/a.png", "media/a.png", "media/.gitkeep",
        "Categories/Hive.json",
    ]  # fmt: skip
    source = open_source(write_files(tmp_path, dict.fromkeys(names, "{}")))
    assert paths(source) == ["categories/Hive.json"]
    assert source.skipped == {"other": 2, "media": 1}
    packed = open_source(pack(tmp_path / "x.tar", tmp_path, ""))
    assert paths(packed) == ["categories/Hive.json"]
    assert packed.skipped == source.skipped


@pytest.mark.parametrize("prefix", ["", "apiary-main", "apiary-0123456", f"apiary-{COMMIT}"])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tarball_gives_what_its_folder_does(tmp_path: Path, mode: str, prefix: str) -> None:
    path = pack(tmp_path / "source", ontologies.JSON_B, prefix, mode)
    source = open_source(path)
    assert paths(source) == paths(open_source(ontologies.JSON_B))
    assert source.skipped == EXPECTED[ontologies.JSON_B]
    named = {"apiary-0123456": "0123456", f"apiary-{COMMIT}": COMMIT}
    assert source.commit_sha == named.get(prefix)


def test_a_tarballs_comment_is_its_commit(tmp_path: Path) -> None:
    headers = {"comment": COMMIT}
    path = pack(tmp_path / "a.tar", ontologies.JSON_B, "apiary-0.1", pax_headers=headers)
    assert commit_of(path) == COMMIT


def test_names_that_are_long_or_not_ascii_are_read(tmp_path: Path) -> None:
    names = [f"categories/{name}.json" for name in ("\xdcberblick", "x" * 200)]
    root = write_files(tmp_path / "source", dict.fromkeys(names, "{}"))
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        packed = pack(tmp_path / "a.tar", root, "p" * 60, format=form)
        assert paths(open_source(packed)) == sorted(names)


def commit_all(root: Path, repository: Repo) -> str:
    porcelain.add(repository, [str(path) for path in root.rglob("*.json")])
    author = b"A <a@example.org>"
    return porcelain.commit(repository, b"m", author=author, committer=author).decode()


def test_a_checkout_gives_its_commit_and_tag(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ontologies.JSON_B, tmp_path / "checkout"))
    with Repo.init(str(root)) as repository:
        assert open_source(root).commit_sha is None  # there is no commit yet
        commit = commit_all(root, repository)
        source = open_source(root)
        assert paths(source) == paths(open_source(ontologies.JSON_B))
        assert (source.commit_sha, source.name) == (commit, None)
        for tag, annotated in ((b"v1", False), (b"v2", True)):
            porcelain.tag_create(repository, tag, author=b"A <a@b>", message=b"m",
                                 annotated=annotated)  # fmt: skip
            source = open_source(root)
            paths(source)
            assert (source.commit_sha, source.name) == (commit, tag.decode())


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_a_checkout_whose_files_differ_from_its_commit_names_none(
    tmp_path: Path, change: str
) -> None:
    root = Path(shutil.copytree(ontologies.JSON_B, tmp_path / "checkout"))
    with Repo.init(str(root)) as repository:
        commit_all(root, repository)
    if change == "remove":
        (root / "categories/Hive.json").unlink()
    else:
        name = "Hive" if change == "edit" else "Other"
        write_files(root, {f"categories/{name}.json": category(name)})
    source = open_source(root)
    paths(source)
    assert source.commit_sha is None
    assert "differ from the checkout's commit" in source.notes[0]


def test_a_link_is_followed_inside_the_source_only(tmp_path: Path) -> None:
    root = write_files(tmp_path / "source", {"categories/A.json": "{}", "shared/B.json": "{}"})
    outside = write_files(tmp_path, {"secret.json": "{}"}) / "secret.json"
    (root / "categories/B.json").symlink_to("../shared/B.json")
    (root / "categories/C.json").symlink_to(outside)
    (root / "categories/D.json").symlink_to("nowhere")
    os.mkfifo(root / "categories/E.json")
    found = {one.path: one for one in open_source(root).files()}
    assert found["categories/B.json"].data == b"{}"
    assert "leads out of the source" in found["categories/C.json"].fault
    assert "no regular file" in found["categories/D.json"].fault
    assert "no regular file" in found["categories/E.json"].fault
    (root / "modules").symlink_to(outside.parent, target_is_directory=True)
    assert "leads out of" in refusal(root)


def test_a_file_that_is_too_large_is_told_and_not_read(tmp_path: Path) -> None:
    root = write_files(tmp_path / "source", {"categories/A.json": b" " * (MAX_FILE_BYTES + 1)})
    for path in (root, pack(tmp_path / "a.tar", root, "")):
        source = open_source(path)
        (found,) = source.files()
        source.close()
        assert found.data is None
        assert "larger than" in found.fault


def test_a_file_name_that_is_no_utf8_is_shown_with_a_replacement(tmp_path: Path) -> None:
    write_files(tmp_path, {"categories/A.json": "{}"})
    (tmp_path / os.fsdecode(b"categories/\xff.json")).write_bytes(b"{}")
    assert paths(open_source(tmp_path)) == ["categories/A.json", "categories/\ufffd.json"]


def test_wholes_that_are_no_ontology_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    other = write_files(tmp_path / "other", {"notes/a.json": "{}", "x/y/categories/A.json": "{}"})
    text = write_files(tmp_path, {"text": "hello" * 500}) / "text"
    nothing = write_files(tmp_path, {"nothing": b""}) / "nothing"
    archive_ = Path(shutil.make_archive(str(tmp_path / "a"), "zip", ontologies.JSON_B))
    for path, reason in [
        (tmp_path / "absent", "cannot be read: No such file"),
        (empty, "none of the folders categories,"),
        (other, "none of the folders"),
        (pack(tmp_path / "empty.tar", empty, ""), "none of the folders"),
        (pack(tmp_path / "other.tar", other, ""), "none of the folders"),
        (text, "cannot be read as a tarball"),
        (nothing, "cannot be read as a tarball"),
        (archive_, "zip file, not a tarball"),
    ]:
        assert reason in refusal(path)
        assert str(path) in refusal(path)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (member("../categories/A.json", b"{}"), "climb out"),
        (member("categories/../../A.json", b"{}"), "climb out"),
        (member("/categories/A.json", b"{}"), "climb out"),
        (member("a", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
        (member("a", type=tarfile.LNKTYPE, linkname="categories/Good.json"), "is a link"),
        (member("a", type=tarfile.CHRTYPE), "neither a file nor a folder"),
        (member("a", type=tarfile.BLKTYPE), "neither a file nor a folder"),
        (member("a", type=tarfile.FIFOTYPE), "neither a file nor a folder"),
        (claiming("categories/A.json", 1024**4), "impossible size"),
        (member("a", type=b"V"), "neither a file nor a folder"),
        (member("a", type=tarfile.GNUTYPE_SPARSE), "cannot be read|neither a file nor a folder"),
        (member("a", pax_headers={"x": "y" * 70_000}), "a header in it is too large"),
        (member("a", pax_headers={"size": "-1"}), "impossible size"),
        (member("a", pax_headers={"GNU.sparse.size": "9" * 9}), "neither a file nor a folder"),
    ],
)  # fmt: skip
def test_an_archive_with_a_dangerous_member_is_refused(
    tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes], reason: str
) -> None:
    told = refusal(tarball(tmp_path / "a.tar", bad))
    assert any(one in told for one in reason.split("|"))


def blocks(count: int, last: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    return member("categories/Last.json", os.urandom(512 * count - len(last)) + last)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:1536], id="ends after a member"),
        pytest.param(lambda data: data[:1500], id="ends in a header"),
        pytest.param(lambda data: data[:2000], id="ends in a member"),
        pytest.param(lambda data: data[:1024] + b"x" * 300 + data[1324:], id="damaged header"),
        pytest.param(lambda data: data[:3072], id="ends without its end"),
        pytest.param(lambda data: data + b"more", id="more behind its end"),
        pytest.param(lambda data: gzip.compress(data)[:-9], id="gzip ends early"),
        pytest.param(lambda data: _flipped(gzip.compress(data), -5), id="gzip has another sum"),
        pytest.param(lambda data: _flipped(gzip.compress(data), 400), id="gzip is damaged"),
        pytest.param(lambda data: bz2.compress(data)[:-9], id="bzip2 ends early"),
        pytest.param(lambda data: _flipped(lzma.compress(data), 400), id="xz is damaged"),
        pytest.param(lambda data: gzip.compress(gzip.compress(data)), id="packed twice"),
    ],
)
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tarball(tmp_path / "a.tar", blocks(3))
    path.write_bytes(damage(path.read_bytes()))
    assert "cannot be read as a tarball" in refusal(path)


def test_an_archive_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        header, _ = member("categories/Bomb.json")
        header.size = 40 * 1024**2
        file.write(header.tobuf())
        for _ in range(40):
            file.write(bytes(1024**2))
    assert "unpacks to more than" in refusal(path)


def test_an_archive_has_a_limit_of_bytes_and_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tarball(tmp_path / "a.tar", blocks(40))
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 10_000)
    assert "unpacks to more than" in refusal(path)
    monkeypatch.undo()
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    assert "more than 1 members" in refusal(path)


def _flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 0xFF
    return bytes(changed)
