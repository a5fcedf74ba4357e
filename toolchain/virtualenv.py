"""The project's virtual environment, `.venv`, with what requirements.txt names."""

import importlib.util

from toolchain import console, files, processes
from toolchain.paths import ROOT, VENV

# Written when pip has ended well, so that a failed or killed pip is run again.
STAMP = VENV / "installed-requirements"
CONSTRAINTS = ROOT / "constraints.txt"
REQUIREMENTS = [
    ROOT / "requirements.txt",
    ROOT / "app" / "requirements.txt",
    ROOT / "backup" / "requirements.txt",
    ROOT / "infra" / "requirements.txt",
    CONSTRAINTS,
]


def exists() -> bool:
    """Tell whether the environment is whole: its interpreter starts and has pip."""
    python = VENV / "bin" / "python"
    # After an upgrade of the machine's Python the link leads to one that sees no package of ours.
    real = python.resolve().name
    whole = not real.startswith("python3.") or (VENV / "lib" / real).is_dir()
    return whole and python.exists() and (VENV / "bin" / "pip").exists()


def can_be_made() -> bool:
    """Tell whether this Python can make virtual environments (Debian packs that separately)."""
    return importlib.util.find_spec("ensurepip") is not None


def up_to_date() -> bool:
    """Tell whether pip has nothing to do."""
    return exists() and STAMP.is_file() and STAMP.read_text() == _wanted()


def ensure() -> None:
    """Make the environment if needed, and let pip install what has changed.

    Only to be called with the lock of `.hub` held.
    """
    if up_to_date():
        return
    if not exists():
        with console.progress(f"making the virtual environment {VENV.name}"):
            command = [processes.base_python(), "-m", "venv", "--clear", str(VENV)]
            processes.work(command, f"rm -rf {VENV}, then the same make command again")
    STAMP.unlink(missing_ok=True)
    wanted = _wanted()
    pins = ["-c", CONSTRAINTS.name] if CONSTRAINTS.exists() else []
    with console.progress("installing Python packages from requirements.txt (1 to 3 min)"):
        processes.work(
            [
                *(str(VENV / "bin" / "python"), "-m", "pip", "install"),
                *("--quiet", "--no-input", "--disable-pip-version-check"),
                *("-r", REQUIREMENTS[0].name, *pins),
            ],
            "check that the package index of `pip config list` is reachable and the disk not "
            "full, then run the same make command again",
            cwd=ROOT,
        )
    files.write(STAMP, wanted.encode())


def _wanted() -> str:
    interpreter = str((VENV / "bin" / "python").resolve())
    return files.digest(REQUIREMENTS, ROOT, interpreter) + "\n"
