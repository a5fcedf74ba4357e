"""How the image's server ends: it gives notice at /health, goes on answering, and then goes."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from app.serve import NOTICE
from tests.app.support import Backend, served

PAUSE = f"/probe/logging?text=done&pause={NOTICE + 1.5}"


@pytest.fixture
def running(template: URL, tmp_path: Path) -> Iterator[Backend]:
    with served(template, tmp_path, app="tests.app.probe:app") as process:
        yield process


def give_notice(running: Backend) -> None:
    """Send SIGTERM and wait until /health tells of it."""
    running.process.send_signal(signal.SIGTERM)
    while running.get("/health").status_code != 404:
        time.sleep(0.05)


def test_everything_but_health_is_answered_until_the_notice_is_over(running: Backend) -> None:
    assert running.get("/health").status_code == 200
    give_notice(running)
    began = time.monotonic()
    assert running.get("/health").headers["content-type"] == "application/problem+json"
    while time.monotonic() - began < NOTICE - 1:
        assert running.get("/livez").status_code == 200
        assert running.get("/probe/etag").status_code == 200
        time.sleep(0.05)
    assert running.process.wait(10) == -signal.SIGTERM
    with pytest.raises(httpx.ConnectError):
        running.get("/livez")


def test_a_request_that_runs_longer_than_the_notice_is_finished(running: Backend) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(running.get, PAUSE)
        time.sleep(0.5)
        give_notice(running)
        assert answer.result().status_code == 200
    assert running.process.wait(10) == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(running: Backend, number: signal.Signals) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(running.get, PAUSE)
        time.sleep(0.5)
        give_notice(running)
        running.process.send_signal(number)
        assert running.process.wait(1) == 128 + number
        assert isinstance(answer.exception(), httpx.HTTPError)


def test_ctrl_c_needs_no_notice(running: Backend) -> None:
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(NOTICE - 0.5) == -signal.SIGINT
