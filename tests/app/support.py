"""What the tests drive: a database server, `alembic` and `uvicorn` as separate processes, SQL."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none
import httpx
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from sqlalchemy.engine import URL

from app.config import Settings

ROOT = Path(__file__).resolve().parents[2]


def address(url: URL) -> str:
    """Return the URL as text, password included, as libpq and DATABASE_URL take it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


class GivenSettings(Settings):
    """Settings that come from arguments alone: neither from the environment nor from `.env`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def settings(url: URL) -> Settings:
    """Return settings that name this database and come from nowhere else."""
    return GivenSettings.model_validate({"database_url": address(url)})


def sql(url: URL, query: str, *values: Any) -> list[dict[str, Any]]:
    """Run one statement in its own connection and transaction."""

    async def run() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(address(url), timeout=20)
        try:
            return [dict(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    return asyncio.run(run())


def script(url: URL, statements: str) -> None:
    """Run several statements, as psql would."""

    async def run() -> None:
        connection = await asyncpg.connect(address(url), timeout=20)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    asyncio.run(run())


@contextmanager
def holding(url: URL, key: int) -> Iterator[Callable[[], None]]:
    """Hold an advisory lock until the yielded function is called, or the block ends."""
    held, release = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(address(url), timeout=20)
        await connection.execute(f"SELECT pg_advisory_lock({key})")
        held.set()
        await asyncio.to_thread(release.wait)
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))

    def end() -> None:
        release.set()
        thread.join()

    thread.start()
    try:
        assert held.wait(20)
        yield end
    finally:
        end()


def environment(url: URL | None, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process' environment without a developer's own settings, plus these."""
    ours = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in ours}
    database = {"DATABASE_URL": address(url)} if url is not None else {}
    return kept | database | dict(variables or {})


def start_alembic(
    url: URL | None,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    root: Path = ROOT,
) -> "subprocess.Popen[str]":
    """Start `alembic ARGUMENTS` away from the project root, where a developer's .env may be.

    `root` is the folder whose code is run: the project's, or that of a copy.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", "-c", str(root / "alembic.ini"), *arguments],
        cwd="/",
        env=environment(url, variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def alembic(url: URL | None, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run `alembic ARGUMENTS` to its end; `options` are start_alembic's."""
    process = start_alembic(url, *arguments, **options)
    try:
        out, err = process.communicate(timeout=60)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Backend:
    """A running `uvicorn`; its standard output goes to a file, so that it never blocks."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self._log = log

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=20, **options)

    def lines(self) -> list[dict[str, Any]]:
        """Return all log lines so far; fails where one is no JSON object."""
        found = [json.loads(line) for line in self.text().splitlines()]
        assert all(isinstance(line, dict) for line in found)
        return found

    def text(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def terminate(self, within: float = 15) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)


def backend(
    url: URL | None,
    folder: Path,
    *options: str,
    app: str = "app.main:app",
    variables: Mapping[str, str] | None = None,
) -> AbstractContextManager[Backend]:
    """Run `uvicorn` on a free port until the block ends; `app` is looked up in `folder` too."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), *options]
    return _running(command, port, url, folder, variables)


# As app/serve.py does, but for the application and the port.
SERVE = """
import sys
import uvicorn
from app import serve
own = {"host": "127.0.0.1", "port": int(sys.argv[2])}
serve.Server(uvicorn.Config(sys.argv[1], **{**serve.OPTIONS, **own})).run()
"""


def served(
    url: URL | None,
    folder: Path,
    app: str = "app.main:app",
    variables: Mapping[str, str] | None = None,
) -> AbstractContextManager[Backend]:
    """Run the application as the image does, on a free port, until the block ends."""
    port = free_port()
    command = [sys.executable, "-c", SERVE, app, str(port)]
    return _running(command, port, url, folder, variables)


@contextmanager
def _running(
    command: list[str],
    port: int,
    url: URL | None,
    folder: Path,
    variables: Mapping[str, str] | None,
) -> Iterator[Backend]:
    log = folder / f"uvicorn-{secrets.token_hex(4)}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(url, {"PYTHONPATH": f"{ROOT}:{folder}", **(variables or {})}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Backend(process, port, log)
    try:
        _wait_until_it_listens(running)
        yield running
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(running: Backend) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", running.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the backend does not listen:\n{running.text()}")


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; fails where it does not come about."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
