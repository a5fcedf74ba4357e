"""What clients see of the proxy: whose limits count, what it refuses, TLS; and what it logs."""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.policy.container import running
from tests.policy.rules import violations
from tests.stack.load import DRAFT
from tests.stack.operations import follow
from tests.stack.stack_under_test import Stack, docker, eventually

MODULE = "/api/v1/modules/none"


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="false", requestTimeout="3", maxBodyBytes="20000")
    stack.up()
    yield stack
    stack.destroy()
    assert not any(stack.objects().values())


class Answer:
    """An answer of the API, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    def problem(self) -> dict[str, Any]:
        """Return the body, which must be a problem of this status."""
        assert self.headers["Content-Type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.text)
        assert found.keys() == {"type", "title", "status", "detail"}
        assert found["type"] == "about:blank"
        assert found["status"] == self.status
        return found


def ask(
    stack: Stack,
    path: str,
    method: str = "GET",
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", 8000 + stack.offset, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        return Answer(connection.getresponse())
    finally:
        connection.close()


def send(stack: Stack, *parts: bytes, pause: float = 0) -> Answer:
    """Send bytes as they are, with pauses between, and return the answer."""
    with socket.create_connection(("127.0.0.1", 8000 + stack.offset), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response)


def left(answer: Answer) -> int:
    """Return how many requests the client has left."""
    found = re.search(r";r=(\d+)", answer.headers["RateLimit"])
    assert found
    return int(found[1])


def test_the_containers_of_a_baked_stack_keep_the_policy_and_are_listed(stack: Stack) -> None:
    containers = {role: stack.inspect(role) for role in stack.ids()}
    assert containers.keys() > {"proxy", "backend"}
    assert violations(map(running, containers.values())) == []
    said = stack.hub("status")
    for role in ("proxy", "backend"):
        assert re.search(rf"^{role} +Up .*\(healthy\)", said, re.MULTILINE)


def test_a_client_cannot_choose_whose_limit_it_uses(stack: Stack) -> None:
    names = ("X-Forwarded-For", "X-Hub-Peer", "X-Real-IP", "Forwarded", "x_hub_peer")
    standing = [
        left(ask(stack, MODULE, headers=dict.fromkeys(names, f"192.0.2.{number}")))
        for number in range(5)
    ]
    assert standing == list(range(standing[0], standing[0] - 5, -1))


def test_a_proxy_of_the_users_is_believed_if_it_is_named(stack: Stack) -> None:
    # As the engine shows who comes from this machine.
    stack.config(trustedProxies="172.16.0.0/12,192.168.0.0/16")
    stack.up()
    first = [left(ask(stack, MODULE, headers={"X-Forwarded-For": "192.0.2.1"})) for _ in range(3)]
    assert first == [199, 198, 197]
    # What stands left of the address that the user's proxy has added is the client's own word.
    forged = {"X-Forwarded-For": "192.0.2.9, 192.0.2.1"}
    assert left(ask(stack, MODULE, headers=forged)) == 196
    assert left(ask(stack, MODULE, headers={"X-Forwarded-For": "192.0.2.2"})) == 199
    proto = {"X-Forwarded-Proto": "https", "Content-Type": "application/json"}
    made = json.loads(ask(stack, "/api/v1/drafts", "POST", DRAFT, proto).text)
    assert made["capability_url"].startswith("https://")


def test_sizes_and_times_are_the_apps_own_and_its_answers_come_through(stack: Stack) -> None:
    json_body = {"Content-Type": "application/json"}
    large = ask(stack, "/api/v1/drafts", "POST", b"x" * 30_000, json_body)
    assert large.status == 413
    assert "20000 bytes" in large.problem()["detail"]
    head = (
        b"POST /api/v1/drafts HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000\r\n\r\n"
    )
    late = send(stack, head, b"{")
    assert late.status == 408
    assert late.problem()["detail"] == "The request's body has not arrived in time."
    given = ask(stack, "/livez", headers={"X-Request-ID": "the-clients-own"})
    assert given.headers["X-Request-ID"] == "the-clients-own"


def test_what_is_no_request_is_refused_and_what_comes_slowly_too(stack: Stack) -> None:
    for bad in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000):
        assert send(stack, bad).status == 400
    slow = send(stack, b"GET / HTTP/1.1\r\nHost: hub\r\n", *[b"X: y\r\n"] * 11, pause=1)
    assert slow.status == 408


def test_without_the_database_the_app_itself_says_so(stack: Stack) -> None:
    database = stack.container("db")
    docker("pause", database)
    try:
        # Also once the proxy no longer takes the backend for ready.
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            answer = ask(stack, "/health")
            assert answer.status == 503
            assert json.loads(answer.text)["database"] == "disconnected"
        assert ask(stack, "/livez").status == 200
    finally:
        docker("unpause", database)
    eventually(lambda: ask(stack, "/health").status == 200)


def test_without_a_backend_the_proxy_says_so_and_when_to_come_back(stack: Stack) -> None:
    backend = stack.ids()["backend"]
    docker("stop", backend)
    try:
        answer = ask(stack, "/livez")
        assert answer.problem()["detail"] == "No backend is running."
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
    finally:
        docker("start", backend)
    eventually(lambda: ask(stack, "/health").status == 200)


def test_the_proxys_log_tells_what_went_wrong_and_holds_no_token(stack: Stack) -> None:
    token = "T0ken-of-a-draft"
    backend = stack.ids()["backend"]
    docker("stop", backend)
    for path in (f"/api/v1/drafts/{token}", f"/x?{token}"):
        assert ask(stack, path).status == 503
    send(stack, f"GET /{token} NONSENSE\r\nHost: {token}\r\n\r\n".encode())
    docker("start", backend)
    log = docker("logs", stack.ids()["proxy"])
    assert token not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert ("GET", 503) in {(line.get("method"), line.get("status")) for line in lines}
    eventually(lambda: ask(stack, "/health").status == 200)


def certificate(folder: Path, name: str) -> None:
    """Make a certificate for 127.0.0.1 and its key."""
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def test_with_the_users_certificate_the_port_speaks_https_only_and_renewal_is_an_update(
    stack: Stack,
) -> None:
    folder = stack.root / "tls"
    folder.mkdir()
    certificate(folder, "first")
    stack.config(tlsCertificate="tls/certificate.pem", tlsKey="tls/key.pem", trustedProxies="")
    stack.up()
    assert stack.outputs()["api_url"] == f"https://127.0.0.1:{8000 + stack.offset}"
    assert secure(stack, folder, "/health").status == 200
    plain = ask(stack, "/docs?a=b")
    assert plain.status == 308
    assert plain.headers["Location"] == f"https://127.0.0.1:{8000 + stack.offset}/docs?a=b"
    made = secure(stack, folder, "/api/v1/drafts", "POST", DRAFT)
    assert json.loads(made.text)["capability_url"].startswith("https://127.0.0.1:")
    assert "Strict-Transport-Security" not in made.headers
    assert "alert protocol version" in handshake(stack, "-tls1_1")
    assert "alert protocol version" not in handshake(stack, "-tls1_2")
    stack.unchanged()
    shutil.copytree(folder, stack.root / "old")
    certificate(folder, "second")
    follow(stack, "The certificate expires")
    assert secure(stack, folder, "/health").status == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        secure(stack, stack.root / "old", "/health")
    key = (folder / "key.pem").read_text().splitlines()[1]
    for container in stack.ids().values():
        assert key not in docker("inspect", container) + docker("logs", container)
    assert key not in stack.pulumi("stack", "export")


def handshake(stack: Stack, version: str) -> str:
    """Return what OpenSSL tells of a handshake in this version of TLS alone."""
    place = f"127.0.0.1:{8000 + stack.offset}"
    done = subprocess.run(
        ["openssl", "s_client", "-connect", place, version, "-cipher", "ALL:@SECLEVEL=0"],
        input="",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def secure(
    stack: Stack, folder: Path, path: str, method: str = "GET", body: str | None = None
) -> Answer:
    """Ask over https, and believe the certificate in `folder` alone."""
    context = ssl.create_default_context(cafile=folder / "certificate.pem")
    connection = http.client.HTTPSConnection(
        "127.0.0.1", 8000 + stack.offset, timeout=30, context=context
    )
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return Answer(connection.getresponse())
    finally:
        connection.close()
