"""The rows of images/README.md about python, one test each."""

import zipfile
from pathlib import Path

import pytest

from images import certificates
from infra.images import ImageSource
from infra.probes import by_bash
from tests.images.containers import POSTURE, Engine, config

WHEEL = "hello_hub-1.0-py3-none-any.whl"


def output(engine: Engine, image: str, *options: str, command: tuple[str, ...]) -> str:
    """Run a container to its end and return what it printed."""
    container = engine.start(image, *options, command=command)
    code = container.wait_exit()
    assert code == 0, container.logs()
    return container.logs()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package with a module and a script, small enough to be written here."""
    info = "hello_hub-1.0.dist-info"
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
        archive.writestr("hello_hub.py", "def main():\n    print('hello')\n")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: hello-hub\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\nhello = hello_hub:main\n")
        archive.writestr(f"{info}/RECORD", "")
    return tmp_path / WHEEL


def test_python_is_on_path_in_a_supported_version(engine: Engine, python_image: str) -> None:
    show = "import sys; print(*sys.version_info[:2], sep='.')"
    script = f'python -c "{show}"; python3 -c "{show}"; pip --version; which python pip'
    lines = output(engine, python_image, command=("sh", "-c", script)).splitlines()
    assert lines[0] == lines[1]
    assert lines[0] in ("3.12", "3.13")
    assert lines[2].startswith("pip ")
    assert lines[3:] == ["/usr/local/bin/python", "/usr/local/bin/pip"]


def test_python_has_no_entrypoint_and_starts_the_interpreter(python_image: str) -> None:
    settings = config(python_image)
    assert settings["Entrypoint"] is None
    assert settings["Cmd"] == ["python3"]
    assert settings["WorkingDir"] in ("", "/")
    assert settings["User"] == ""


def test_python_pip_installs_without_further_flags(
    engine: Engine, python_image: str, wheel: Path
) -> None:
    script = f"pip install --no-index --quiet /w/{WHEEL} && hello && command -v hello"
    shown = output(
        engine,
        python_image,
        *("--volume", f"{wheel.parent}:/w:ro", "--env", "PIP_ROOT_USER_ACTION=ignore"),
        command=("sh", "-c", script),
    )
    assert "externally-managed" not in shown
    assert shown.splitlines() == ["hello", "/usr/local/bin/hello"]


def test_python_packages_are_found_by_every_user(
    engine: Engine, python_image: str, wheel: Path
) -> None:
    script = (
        f"pip install --no-index --quiet --root-user-action=ignore /w/{WHEEL} && "
        "python -c 'import os, hello_hub; print(hello_hub.__file__, flush=True)\n"
        'os.setuid(10001); os.execvp("hello", ["hello"])\''
    )
    shown = output(
        engine, python_image, "--volume", f"{wheel.parent}:/w:ro", command=("sh", "-c", script)
    )
    module, greeting = shown.splitlines()
    assert module.startswith("/usr/local/lib/python3.")
    assert module.endswith("/site-packages/hello_hub.py")
    assert greeting == "hello"


def test_python_makes_virtual_environments_with_pip(engine: Engine, python_image: str) -> None:
    script = "python -m venv /srv/v && /srv/v/bin/pip --version"
    assert "/srv/v/" in output(engine, python_image, command=("sh", "-c", script))


def test_python_runs_as_an_ordinary_user_without_capabilities(
    engine: Engine, python_image: str
) -> None:
    program = (
        "import os, ssl, sqlite3, zoneinfo; print(os.getuid(), zoneinfo.ZoneInfo('Asia/Tokyo'))"
    )
    shown = output(
        engine,
        python_image,
        *(*POSTURE, "--user", "10001:10001", "--read-only"),
        command=("python", "-c", program),
    )
    assert shown.split() == ["10001", "Asia/Tokyo"]


def test_python_speaks_utf8(engine: Engine, python_image: str) -> None:
    program = "import sys; print(sys.stdout.encoding, sys.getfilesystemencoding(), 'ö')"
    shown = output(engine, python_image, command=("python", "-c", program))
    assert shown.split() == ["utf-8", "utf-8", "ö"]


def test_python_trusts_public_and_host_certificates(
    engine: Engine, python_image: str, source: ImageSource
) -> None:
    program = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    assert int(output(engine, python_image, command=("python", "-c", program))) > 100
    if source == "registry":
        return  # a public image cannot know this host's
    bundle = output(engine, python_image, command=("sh", "-c", 'cat "$PIP_CERT"'))
    for certificate in certificates.find():
        body = certificate.read_text(encoding="utf-8").split("-----")[2].strip()
        assert body in bundle, f"{certificate} is not trusted"


def test_python_has_bash_which_asks_a_port(engine: Engine, python_image: str) -> None:
    serving = ("python", "-m", "http.server", "8080", "--directory", "/etc")
    container = engine.start(python_image, command=serving)
    container.wait_until(lambda: container.succeeds(*by_bash(8080, "/hostname")))
    assert not container.succeeds(*by_bash(8080, "/nothing"))
    assert not container.succeeds(*by_bash(8081, "/hostname"))
