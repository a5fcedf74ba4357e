"""The language host as the engine sees it: its port, its answers, its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeStub

from tests.toolchain.language_host_cli import HOST, PROGRAMS

OFFICIAL_ONLY = [
    "RunPlugin",
    "GenerateProgram",
    "GenerateProject",
    "GeneratePackage",
    "Pack",
    "Link",
]


@pytest.fixture
def host() -> Iterator["subprocess.Popen[str]"]:
    """A language host under the interpreter of the tests, as the engine starts it."""
    process = subprocess.Popen(
        [sys.executable, str(HOST / "pulumi-language-python"), "127.0.0.1:1"],
        cwd=PROGRAMS,
        env={**os.environ, "VIRTUAL_ENV": sys.prefix},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.communicate()


def connect(process: "subprocess.Popen[str]") -> tuple[grpc.Channel, LanguageRuntimeStub]:
    """Connect to the port that the host says in its first line."""
    assert process.stdout is not None
    channel = grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}")
    return channel, LanguageRuntimeStub(channel)


def test_answers_as_the_engine_expects(host: "subprocess.Popen[str]", tmp_path: Path) -> None:
    info = language_pb2.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path))
    channel, stub = connect(host)
    with channel:
        assert stub.GetPluginInfo(Empty()).version == version("pulumi")
        stub.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:1"))
        assert not stub.RuntimeOptionsPrompts(language_pb2.RuntimeOptionsRequest()).prompts
        stub.Template(language_pb2.TemplateRequest(info=info))
        plugins = stub.GetRequiredPlugins(language_pb2.GetRequiredPluginsRequest(info=info)).plugins
        assert {plugin.name: plugin.version for plugin in plugins} == {
            "docker": "v" + version("pulumi-docker"),
            "random": "v" + version("pulumi-random"),
        }
        stub.Cancel(Empty())


def test_what_only_the_official_host_can_do_is_refused_in_a_sentence(
    host: "subprocess.Popen[str]",
) -> None:
    channel, stub = connect(host)
    with channel:
        for name in OFFICIAL_ONLY:
            request = getattr(language_pb2, f"{name}Request")()
            call: Callable[..., Iterable[object]] = getattr(stub, name)
            with pytest.raises(grpc.RpcError) as caught:
                list(call(request, timeout=10))  # RunPlugin answers with a stream
            assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
            assert f"{name} needs Pulumi's own pulumi-language" in str(caught.value.details())
    host.send_signal(signal.SIGINT)
    _, errors = host.communicate(timeout=5)
    assert errors == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_quietly_when_told_to(number: signal.Signals, host: "subprocess.Popen[str]") -> None:
    channel, _ = connect(host)
    channel.close()
    host.send_signal(number)
    output, errors = host.communicate(timeout=5)
    assert (host.returncode, output, errors) == (0, "", "")
