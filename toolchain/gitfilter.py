"""Keep what this machine writes into Pulumi.<stack>.yaml out of git.

Pulumi puts `encryptionsalt` there as soon as a stack is used, and the first `make up` writes its
decisions down there. Without this filter every used clone would be "modified" for ever, and each
change of the file upstream would stop `git pull`. Git calls `clean` when it reads the file from
the work tree (status, add, stash) and `smudge` when it writes it (pull, checkout, stash pop):
`clean` takes these lines away and remembers them in `.hub/`, `smudge` puts them back.

Run by git from the top of the work tree: `python3 .../toolchain/gitfilter.py clean|smudge PATH`.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# In the work tree that git works on, which may be another than this one (`git worktree`).
MEMORY = Path(".hub") / "stack-config"

# Config keys that `make up` decides for this machine, and Pulumi's salt.
MACHINE_LINE = re.compile(
    r"^(?:encryptionsalt:|\s+ontology-hub:(?:imageSource|grafana):).*\n?",
    re.MULTILINE,
)


def clean(text: str) -> str:
    """Return the text as git should see it: without the lines that belong to this machine."""
    return MACHINE_LINE.sub("", text)


def machine_lines(text: str) -> list[str]:
    """Return the lines that `clean` takes away."""
    return [line.rstrip("\n") for line in MACHINE_LINE.findall(text)]


def smudge(text: str, remembered: list[str]) -> str:
    """Return the text with this machine's lines put back; those that it has already are kept."""
    present = {_key(line) for line in machine_lines(text)}
    missing = [line for line in remembered if _key(line) not in present]
    config = [line for line in missing if line.startswith(" ")]
    top = [line for line in missing if not line.startswith(" ")]
    if config and not re.search(r"^config:[ \t]*$", text, re.MULTILINE):
        text = re.sub(r"^config:.*\n?", "", text, flags=re.MULTILINE) + "config:\n"
    lines = text.splitlines()
    if config:
        where = next(i for i, line in enumerate(lines) if line.rstrip() == "config:") + 1
        lines[where:where] = config
    return "\n".join(top + lines) + "\n"


def install() -> None:
    """Register the filter in this clone's git config (nothing outside the clone is touched)."""
    if not (ROOT / ".git").exists():
        return  # an unpacked archive: there is nothing to keep clean
    for direction in ("clean", "smudge"):
        # By its path, not as a module: while git fills a new work tree, there is none to import.
        program = shlex.join([sys.executable, "-I", str(Path(__file__).resolve())])
        command = f"{program} {direction} %f"
        key = f"filter.stack-config.{direction}"
        known = subprocess.run(
            ["git", "config", "--local", key], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if known.stdout.strip() != command:
            subprocess.run(["git", "config", "--local", key, command], cwd=ROOT, check=True)


def settle() -> None:
    """Tell git that a file which differs by this machine's lines only is unmodified.

    Git takes a file of another size for modified without asking the filter. Updating the index
    then changes nothing but the size that it remembers; a file with real changes is left alone.
    """
    tracked = _git("ls-files", "--stage", "--", "Pulumi.*.yaml")
    for line in tracked.splitlines():
        (_mode, blob, _stage), path = line.split("\t")[0].split(), line.split("\t")[1]
        if (ROOT / path).exists() and _git("hash-object", f"--path={path}", path).strip() == blob:
            _git("update-index", path)


def _git(*arguments: str) -> str:
    """Return what git prints; nothing where this is no clone or there is no git."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout


def _key(line: str) -> str:
    return line.strip().rsplit(": ", 1)[0].rstrip(":")


def _main(direction: str, path: str) -> None:
    text = sys.stdin.read()
    memory = MEMORY / Path(path).name
    if direction == "clean":
        if found := machine_lines(text):
            MEMORY.mkdir(mode=0o700, parents=True, exist_ok=True)
            memory.write_text("\n".join(found) + "\n")
        sys.stdout.write(clean(text))
    else:
        remembered = memory.read_text().splitlines() if memory.exists() else []
        sys.stdout.write(smudge(text, remembered))


if __name__ == "__main__":
    _main(*sys.argv[1:3])
