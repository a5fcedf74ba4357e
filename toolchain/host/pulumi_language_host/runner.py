"""Give each run of a program a fresh process, without starting Python and importing pulumi anew.

A helper is forked from the host while that has one thread only (a process with gRPC's threads
cannot be forked safely). It imports pulumi, then forks a child for each run. So a second run,
as in `pulumi watch`, finds no module of the first one, and a program that dies takes nobody along.
"""

import atexit
import ctypes
import os
import signal
import socket
import struct
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from .protocol import language

EXIT_TOLD = 32  # the program failed and the user has been told why
EXIT_INTERRUPTED = 130
STOP_LIMIT = 2.0  # seconds until a program that does not end is killed
_LENGTH = struct.Struct("!Q")
_NUMBER = struct.Struct("!q")  # first the child's process id, then its exit status
_PR_SET_PDEATHSIG = 1


class Runner:
    """The host's end of the helper: runs programs, one at a time, and interrupts them."""

    def __init__(self) -> None:
        """Fork the helper. Call it in the main thread, before any other thread is started."""
        self._lock = threading.Lock()
        self._child = 0
        self._socket, theirs = socket.socketpair()
        self._helper = fork_bound()
        if self._helper == 0:
            self._socket.close()
            _help(theirs)
        theirs.close()

    def run(self, request: language.RunRequest, engine_address: str) -> int:
        """Run a program to its end; return its exit code, or minus the signal that ended it."""
        with self._lock:
            for part in (engine_address.encode(), request.SerializeToString()):
                self._socket.sendall(_LENGTH.pack(len(part)) + part)
            try:
                (self._child,) = _NUMBER.unpack(receive(self._socket, _NUMBER.size))
                (status,) = _NUMBER.unpack(receive(self._socket, _NUMBER.size))
            finally:
                self._child = 0
        return int(status)

    def interrupt(self) -> None:
        """Ask a running program to end, as Ctrl-C does; do nothing if none is running."""
        if child := self._child:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGINT)

    def close(self) -> None:
        """End program and helper; return at the latest when a stubborn program was killed."""
        if self._child:
            self.interrupt()
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            watchdog = threading.Timer(STOP_LIMIT, os.kill, (self._helper, signal.SIGKILL))
            watchdog.daemon = True
            watchdog.start()
        else:  # it may still be importing
            os.kill(self._helper, signal.SIGKILL)
        os.waitpid(self._helper, 0)


def fork_bound() -> int:
    """Fork a child that the kernel kills when this process ends, however it ends."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the kernel was told
            os._exit(0)
    return child


def receive(connection: socket.socket, size: int) -> bytes:
    """Return exactly `size` bytes; raise EOFError when the other end is gone."""
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise EOFError("the helper process of the language host is gone")
        data += chunk
    return bytes(data)


def _help(connection: socket.socket) -> None:
    """Fork a child for each request, until the host closes its end; never return."""
    # Ctrl-C and the engine's SIGINT reach the whole process group: the helper outlives the
    # program it waits for, else the kernel would kill that in the middle of its clean-up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    from . import program  # imports pulumi, while the host already talks to the engine

    while True:
        try:
            address, request = (
                receive(connection, _LENGTH.unpack(receive(connection, _LENGTH.size))[0])
                for _ in range(2)
            )
        except (EOFError, OSError):
            os._exit(0)
        child = fork_bound()
        if child == 0:
            connection.close()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # stdin is the engine's
            _end(program.run(request, address.decode()))
        with suppress(OSError):
            connection.sendall(_NUMBER.pack(child))
        _, status = os.waitpid(child, 0)
        with suppress(OSError):
            connection.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))


def _end(code: int) -> NoReturn:
    """End as any Python program does, but leave the memory to the kernel: saves 0.2 s.

    Threads are waited for, then `atexit` functions run, as in the children of multiprocessing.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
