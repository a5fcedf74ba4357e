"""A Docker engine of the tests' own, which may be killed, beside the machine's.

It lives in namespaces that stand for a machine: `power_off` kills their first process, and with
it every other at once; their mounts, interfaces, firewall and /run go too, while the data folder
stays, as a disk does. Needs root, iproute2 and the engine's own programs.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.stack.stack_under_test import docker, eventually

PROGRAMS = ("dockerd", "ip", "iptables", "nsenter", "unshare")
START_SECONDS = 60.0
# dockerd gives its containers their own grace to end; the database's is 60 s.
STOP_SECONDS = 90.0
PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
# Where containerd and its shims keep their sockets; the engine's own runtime folder is there too.
RUN = "/run/containerd"


def missing() -> list[str]:
    """Return what this machine lacks for a second engine."""
    programs = [name for name in PROGRAMS if not shutil.which(name)]
    return programs + ([] if os.geteuid() == 0 else ["root"])


class SecondEngine:
    """An engine with its own data; `host` is what DOCKER_HOST has to be for it.

    Ports that are published on `address` are reached from here; it reaches what this machine does.
    """

    def __init__(self) -> None:
        name = f"hub-{secrets.token_hex(3)}"
        third = secrets.randbelow(256)
        self.name = name
        self.address, self._gateway = f"10.231.{third}.2", f"10.231.{third}.1"
        self._network = f"10.231.{third}.0/30"
        # A socket's path may have 107 characters at most: pytest's folders are too long.
        self._folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/var/tmp"))
        self.host = f"unix://{self._folder}/docker.sock"
        self._log = self._folder / "dockerd.log"
        (self._folder / "daemon.json").write_text("{}")
        self._machine: subprocess.Popen[bytes] | None = None
        self._daemon: subprocess.Popen[bytes] | None = None

    def power_on(self) -> None:
        """Make the namespaces and start the engine in them."""
        _run("ip", "netns", "add", self.name)
        self._connect("add")
        # The first process of its namespace, which adopts orphans. The kernel buries the children
        # of who ignores SIGCHLD, also after an exec; dockerd takes a zombie for a living process.
        first = f"mkdir -p {RUN} && mount -t tmpfs tmpfs {RUN} && exec env --ignore-signal=CHLD"
        with self._log.open("ab") as log:
            self._machine = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{self.name}"),
                    *("unshare", "--mount", "--pid", "--fork", "--mount-proc"),
                    *("sh", "-c", f"{first} sleep infinity"),
                ],
                stderr=log,
            )
        machine = self._machine.pid
        eventually(lambda: f"tmpfs {RUN} tmpfs" in (_child(machine) / "mounts").read_text())
        self.start()

    def start(self) -> None:
        """Start dockerd, and return once it answers."""
        assert self._machine is not None
        namespaces = _child(self._machine.pid) / "ns"
        with self._log.open("ab") as log:
            self._daemon = subprocess.Popen(
                [
                    *("nsenter", f"--net={namespaces}/net", f"--mount={namespaces}/mnt"),
                    *(f"--pid={namespaces}/pid", "dockerd"),
                    *(f"--config-file={self._folder}/daemon.json", f"--host={self.host}"),
                    *(f"--data-root={self._folder}/data", f"--exec-root={RUN}/docker"),
                    *(f"--pidfile={RUN}/docker.pid", f"--cgroup-parent=/{self.name}"),
                    "--exec-opt=native.cgroupdriver=cgroupfs",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(self._answers, START_SECONDS)

    def stop(self) -> None:
        """End dockerd as a service manager does: it stops its containers first."""
        self._end_daemon(signal.SIGTERM)

    def kill(self) -> None:
        """Kill dockerd with -9; its containerd goes with it, the containers live on."""
        self._end_daemon(signal.SIGKILL)

    def _end_daemon(self, by: signal.Signals) -> None:
        assert self._daemon is not None
        os.kill(int(_child(self._daemon.pid).name), by)
        self._daemon.wait(STOP_SECONDS)

    def power_off(self) -> None:
        """Kill all that runs in the namespaces, as a power cut does, and remove these."""
        if self._machine is None:
            return
        with contextlib.suppress(FileNotFoundError):  # it never came up
            os.kill(int(_child(self._machine.pid).name), signal.SIGKILL)
        self._machine.wait()
        if self._daemon is not None:
            self._daemon.wait()
        self._machine = self._daemon = None
        self._connect("delete")
        _run("ip", "netns", "delete", self.name)
        for group in self._cgroups():
            group.rmdir()

    def load(self, *images: str) -> None:
        """Copy images of the machine's engine to this one."""
        saved = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
        with saved:
            subprocess.run(
                ["docker", f"--host={self.host}", "load", "--quiet"],
                stdin=saved.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        assert saved.returncode == 0

    def remove(self) -> None:
        """End everything and remove the data."""
        self.power_off()
        shutil.rmtree(self._folder)

    def log(self) -> str:
        """Return what dockerd has written."""
        return self._log.read_text()

    def _answers(self) -> bool:
        assert self._daemon is not None
        assert self._daemon.poll() is None, self.log()[-4000:]
        said = docker(f"--host={self.host}", "version", "--format={{.Server.Version}}", check=False)
        return said[0].isdigit()

    def _connect(self, what: str) -> None:
        """Lay (`add`) or remove (`delete`) the namespace's cable, and the machine's way for it."""
        if what == "add":
            inside = ["ip", "-n", self.name]
            cable = ["type", "veth", "peer", "name", "eth0", "netns", self.name]
            _run("ip", "link", "add", self.name, *cable)
            _run("ip", "address", "add", f"{self._gateway}/30", "dev", self.name)
            _run("ip", "link", "set", self.name, "up")
            _run(*inside, "address", "add", f"{self.address}/30", "dev", "eth0")
            _run(*inside, "link", "set", "lo", "up")
            _run(*inside, "link", "set", "eth0", "up")
            _run(*inside, "route", "add", "default", "via", self._gateway)
        else:
            _run("ip", "link", "delete", self.name)  # it would go with its other end, but later
        rule = "--insert" if what == "add" else "--delete"
        # The machine's engine drops what it does not know, and asks this chain first.
        _run("iptables", rule, "DOCKER-USER", "--in-interface", self.name, "--jump", "ACCEPT")
        _run("iptables", rule, "DOCKER-USER", "--out-interface", self.name, "--jump", "ACCEPT")
        nat = ["--source", self._network, "!", "--out-interface", self.name]
        _run("iptables", "--table=nat", rule, "POSTROUTING", *nat, "--jump", "MASQUERADE")

    def _cgroups(self) -> list[Path]:
        """Return the folders of this engine's control groups, inner ones first."""
        tops = [*CGROUPS.glob(self.name), *CGROUPS.glob(f"*/{self.name}")]
        inner = [path for top in tops for path in top.rglob("*") if path.is_dir()]
        return [*sorted(inner, reverse=True), *tops]


def _child(parent: int) -> Path:
    """Return the folder in /proc of the one child of a process; raises FileNotFoundError."""
    children = (PROC / str(parent) / "task" / str(parent) / "children").read_text().split()
    if not children:
        raise FileNotFoundError(f"process {parent} has no child")
    return PROC / children[0]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
