"""The gRPC service LanguageRuntime, as the Pulumi engine calls it for Python projects."""

import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from types import FrameType
from typing import NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty

from . import packages, runner
from .protocol import language as pb
from .protocol import plugin, service

ENGINE_CHECK = 0.5  # seconds between two looks whether the engine is still there
# What only the official language host can do: run plugins, write SDKs and programs.
OFFICIAL_ONLY = (
    "RunPlugin",
    "GenerateProgram",
    "GenerateProject",
    "GeneratePackage",
    "Pack",
    "Link",
)


class LanguageHost(service.LanguageRuntimeServicer):
    """Answers the engine; a user's mistake becomes one sentence, without a stack trace."""

    def __init__(self, programs: runner.Runner, engine_address: str) -> None:
        """`engine_address` is where programs send their messages; Handshake may replace it."""
        self._programs = programs
        self._engine_address = engine_address

    def Handshake(
        self, request: pb.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> pb.LanguageHandshakeResponse:
        self._engine_address = request.engine_address
        return pb.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version=version("pulumi"))

    def About(self, request: pb.AboutRequest, context: grpc.ServicerContext) -> pb.AboutResponse:
        return pb.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetRequiredPackages(
        self, request: pb.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> pb.GetRequiredPackagesResponse:
        with told_to_user(context):
            return pb.GetRequiredPackagesResponse(packages=packages.required(request.info))

    def GetRequiredPlugins(
        self, request: pb.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> pb.GetRequiredPluginsResponse:
        with told_to_user(context):
            found = packages.required(request.info)
        plugins = [
            plugin.PluginDependency(name=p.name, kind=p.kind, version=p.version, server=p.server)
            for p in found
        ]
        return pb.GetRequiredPluginsResponse(plugins=plugins)

    def GetProgramDependencies(
        self, request: pb.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> pb.GetProgramDependenciesResponse:
        found = packages.dependencies(request.info, request.transitiveDependencies)
        listed = [pb.DependencyInfo(name=name, version=version) for name, version in found]
        return pb.GetProgramDependenciesResponse(dependencies=listed)

    def InstallDependencies(
        self, request: pb.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.InstallDependenciesResponse]:
        with told_to_user(context):
            for line in packages.install(request.info):
                yield pb.InstallDependenciesResponse(stdout=line.encode())

    def RuntimeOptionsPrompts(
        self, request: pb.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> pb.RuntimeOptionsResponse:
        return (
            pb.RuntimeOptionsResponse()
        )  # the one question, which tool installs, is answered: pip

    def Template(
        self, request: pb.TemplateRequest, context: grpc.ServicerContext
    ) -> pb.TemplateResponse:
        return pb.TemplateResponse()  # a project needs no change to be installed with pip

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:
        with told_to_user(context):
            packages.check_interpreter(request.info)
        running = True

        def call_ended() -> None:
            # Also called after a normal end, when the next program may be running already.
            if running:
                self._programs.interrupt()

        context.add_callback(call_ended)
        try:
            status = self._programs.run(request, self._engine_address)
        finally:
            running = False
        if status == 0:
            return pb.RunResponse()
        if status in (runner.EXIT_TOLD, runner.EXIT_INTERRUPTED):
            return pb.RunResponse(bail=True)
        if status < 0:
            name = signal.Signals(-status).name
            return pb.RunResponse(error=f"the program was killed by signal {-status} ({name})")
        return pb.RunResponse(error=f"the program ended itself with exit code {status}")

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self._programs.interrupt()
        return Empty()


@contextmanager
def told_to_user(context: grpc.ServicerContext) -> Iterator[None]:
    """Turn a mistake in the project into an answer that the CLI prints as it is."""
    try:
        yield
    except packages.ProjectError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def _refuse(name: str) -> Callable[[LanguageHost, object, grpc.ServicerContext], NoReturn]:
    def method(self: LanguageHost, request: object, context: grpc.ServicerContext) -> NoReturn:
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"{name} needs Pulumi's own pulumi-language-python; this one only runs programs",
        )

    return method


for _name in OFFICIAL_ONLY:
    setattr(LanguageHost, _name, _refuse(_name))


class _Stop(Exception):
    """SIGINT or SIGTERM came: the engine closes its language host with SIGINT."""


def main(engine_pid: int, arguments: list[str]) -> None:
    """Serve until the engine says stop or is gone; the last argument is the engine's address."""
    programs = runner.Runner()
    signal.signal(signal.SIGINT, _raise_stop)
    signal.signal(signal.SIGTERM, _raise_stop)
    try:
        server = grpc.server(
            ThreadPoolExecutor(),
            # As in the engine: a stack's configuration may be larger than gRPC's 4 MB.
            options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)],
        )
        host = LanguageHost(programs, arguments[-1] if arguments else "")
        service.add_LanguageRuntimeServicer_to_server(host, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        print(port, flush=True)  # the engine waits for this line
        # A killed engine ends nobody: without this look the host would stay for ever.
        while os.getppid() == engine_pid:
            time.sleep(ENGINE_CHECK)
    except _Stop:
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.getpgrp() == os.getpid():
        # The engine gives its host a process group: whatever the program or pip started is in it.
        os.killpg(0, signal.SIGINT)
    programs.close()
    os._exit(0)  # gRPC's threads have nothing left to say


def _raise_stop(number: int, frame: FrameType | None) -> None:
    raise _Stop
