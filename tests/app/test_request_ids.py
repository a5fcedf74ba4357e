"""One id joins an answer to the log lines of its request."""

import asyncio
import re
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import URL

from app.conduct import request_ids
from app.conduct.later import Later
from tests.app.support import Backend, backend

NEW = r"[0-9a-f]{16}"


@pytest.fixture(scope="module")
def running(template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A backend with routes that write to the log."""
    folder = tmp_path_factory.mktemp("request_ids")
    with backend(template, folder, app="tests.app.probe:app") as process:
        yield process


def answered(running: Backend, path: str = "/livez", given: bytes | None = None) -> str:
    """Return the id in the answer."""
    headers = {} if given is None else {"X-Request-ID": given}
    found: str = running.get(path, headers=headers).headers["x-request-id"]
    return found


def lines_of(running: Backend, request_id: str) -> list[str]:
    """Return what the log says of a request, once its last line is written; sorted."""
    deadline = time.monotonic() + 10
    while True:
        of = [line for line in running.lines() if line.get("request_id") == request_id]
        messages = sorted(line["message"].strip() for line in of)
        if "request" in messages:
            return messages
        assert time.monotonic() < deadline, messages
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        ("/probe/logging?text=one", ["one", "request"]),
        ("/nothing", ["request"]),
        ("/probe/broken", ["Exception in ASGI application", "request"]),
    ],
)
def test_every_line_of_a_request_holds_its_id(
    running: Backend, path: str, messages: list[str]
) -> None:
    assert lines_of(running, answered(running, path)) == messages


def test_no_line_beside_the_requests_holds_an_id(running: Backend) -> None:
    lines_of(running, answered(running, "/probe/logging?text=one"))
    others = [line for line in running.lines() if "Application startup" in line["message"]]
    assert others
    assert not any("request_id" in line for line in others)


def test_requests_at_the_same_time_do_not_mix_their_ids(running: Backend) -> None:
    texts = [secrets.token_hex(4) for _ in range(20)]
    with ThreadPoolExecutor(10) as pool:
        paths = [f"/probe/logging?text={text}&pause=0.1" for text in texts]
        ids = list(pool.map(lambda path: answered(running, path), paths))
    assert len(set(ids)) == len(ids)
    for text, request_id in zip(texts, ids, strict=True):
        assert text in lines_of(running, request_id)


@pytest.mark.parametrize(
    "given", [b"a", b"0f8fad5b-d9cb-469f-a165-70867728950e", b"A1.b_2-c", b"x" * 36]
)
def test_a_callers_harmless_id_is_taken(running: Backend, given: bytes) -> None:
    assert answered(running, given=given) == given.decode()


@pytest.mark.parametrize(
    "given",
    [b"", b"-a", b"a b", b'a"b', b"a,b", b"a/b", b"a%0ab", b"\xe9", b"x" * 37, b"x" * 10_000],
)
def test_an_id_that_could_forge_a_line_is_not_taken(running: Backend, given: bytes) -> None:
    assert re.fullmatch(NEW, answered(running, given=given))


def test_neither_a_drafts_token_nor_its_hash_is_taken(running: Backend) -> None:
    for secret in (secrets.token_urlsafe(32), secrets.token_hex(32)):
        request_id = answered(running, "/probe/logging?text=one", given=secret.encode())
        lines_of(running, request_id)
        assert secret not in running.text()


def test_work_that_is_put_off_is_no_requests() -> None:
    """It serves many; the request that happened to ask first must not lend them its id."""

    async def ask() -> str | None:
        seen: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        request_ids.current.set("the first request's")
        Later(0, lambda: seen.set_result(request_ids.current.get())).ask()
        return await seen

    assert asyncio.run(ask()) is None
