"""Turn workloads into resources of one Docker engine.

Together with `networks.py` and `images.py` the only module that imports pulumi_docker. What the
provider cannot do (wait with an early end and the log in the error, limit processes, fail on a
job's exit code) is in `engine.py`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_docker as docker

from infra.naming import OWNER, Naming
from infra.settings import StackSettings
from infra.targets import engine
from infra.targets.images import Images
from infra.targets.networks import Networks
from infra.targets.ownership import Ownership
from infra.workload import (
    FILES_FOLDER,
    File,
    HostMount,
    Job,
    Probe,
    PublicImage,
    SecretFile,
    Service,
    VolumeMount,
    Workload,
)

# A stack's log may take this much of the disk: 12 containers x 3 files x 10 MB.
LOG_ROTATION = {"max-size": "10m", "max-file": "3"}

# /tmp of a container whose root is read-only: in its memory, and counted there.
TEMPORARY = {"/tmp": "rw,nosuid,nodev,noexec,size=64m"}  # noqa: S108

# What the provider "updates" without touching the container.
REPLACED_ON = ["healthcheck", "mounts"]


@dataclass(frozen=True)
class Deployed:
    """A workload on the engine.

    `ready` resolves when the service is healthy or the job has ended well; whoever comes after
    waits for it, and an error in it stops `pulumi up`.
    """

    container: docker.Container
    ready: pulumi.Output[docker.Container]


@dataclass(frozen=True)
class DeliveredFiles:
    """A workload's files in their volume, and the container that took them there."""

    courier: docker.Container
    mount: VolumeMount


class DockerTarget:
    """Deploys onto the engine that DOCKER_HOST (else the local socket) names."""

    def __init__(self, settings: StackSettings, naming: Naming, courier: PublicImage) -> None:
        """Prepare a stack; `courier` is any image without USER and VOLUME (see `_files`)."""
        self._courier = courier
        self._settings = settings
        self._naming = naming
        self._ownership = Ownership(naming)
        self._images = Images(naming)
        self._networks = Networks(naming, after=self._ownership.proven)
        self._volumes: dict[str, docker.Volume] = {}

    def volume(self, volume: str, keep: bool = False) -> docker.Volume:
        """Declare a named volume; one to `keep` stays on destroy if `protectData` says so."""
        self._volumes[volume] = docker.Volume(
            volume,
            name=self._naming.of(volume),
            labels=[
                docker.VolumeLabelArgs(label=k, value=v)
                for k, v in self._naming.labels(volume).items()
            ],
            opts=pulumi.ResourceOptions(
                depends_on=self._ownership.proven,
                retain_on_delete=keep and self._settings.protect_data,
                # Made by hand beforehand (on another disk, say), it is taken over as it is: a
                # difference in these would have Pulumi remove it, with the data, and make it anew.
                ignore_changes=["driver", "driverOpts", "labels"] if keep else None,
            ),
        )
        return self._volumes[volume]

    def service(self, service: Service, after: Sequence[Deployed] = ()) -> Deployed:
        """Run a service once all of `after` are ready."""
        container = self._container(
            service,
            after,
            service.in_place_of or service.role,
            rolling=service.rolling,
            # Not `unless-stopped`, which forgets what ran if the engine is killed: decision 0020.
            restart="always",
            must_run=True,
            healthcheck=_healthcheck(service.readiness),
            destroy_grace_seconds=service.stop_grace,
            stop_timeout=service.stop_grace,
        )
        expected = engine.Expected(
            role=service.role,
            pids=service.limits.pids,
            networks=self._networks.names(service),
            timeout=self._settings.start_timeout,
        )

        async def healthy(container_id: str) -> docker.Container:
            await engine.settle(container_id, expected)
            return container

        ready: pulumi.Output[docker.Container] = container.id.apply(healthy)
        return Deployed(container=container, ready=ready)

    def job(self, job: Job, after: Sequence[Deployed] = ()) -> Deployed:
        """Run a job once all of `after` are ready, and again whenever its inputs change."""
        container = self._container(
            job,
            after,
            job.role,
            restart="no",
            # The provider's one-shot form: `must_run=True` would start an ended job again at
            # each refresh, `rm=True` would lose the exit code and the log.
            attach=True,
            must_run=False,
            logs=True,
            opts={"custom_timeouts": pulumi.CustomTimeouts(create=f"{job.time_limit}s")},
        )

        async def done(container_id: str) -> docker.Container:
            await engine.finish(container_id, job.role, job.time_limit)
            return container

        ready: pulumi.Output[docker.Container] = container.id.apply(done)
        return Deployed(container=container, ready=ready)

    def _container(
        self,
        workload: Workload,
        after: Sequence[Deployed],
        resource: str,
        rolling: bool = False,
        opts: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> docker.Container:
        labels: dict[str, pulumi.Input[str]] = {
            **self._labels(workload.role),
            **{f"{self._naming.project}.{k}": v for k, v in workload.anew_with.items()},
        }
        mounts = [self._mount(mount) for mount in workload.mounts]
        if workload.files or workload.secrets:
            files = self._files(workload, rolling)
            mounts.append(self._mount(files.mount))
            # New content means a new courier: so the workload is replaced when a file changes.
            labels[f"{self._naming.project}.files"] = files.courier.id
        memory = workload.limits.memory
        name = self._naming.of(workload.role)
        networks = self._networks.attachments(workload)
        return docker.Container(
            # Without a name of its own, Pulumi makes one of the resource's, other each time.
            name if rolling else resource,
            name=None if rolling else name,
            image=self._images.get(workload.image).image_id,
            user=workload.user,
            entrypoints=list(workload.entrypoint) or None,
            command=list(workload.command) or None,
            envs=[f"{key}={value}" for key, value in sorted(workload.env.items())],
            ports=[
                docker.ContainerPortArgs(
                    internal=port.container,
                    external=port.host + self._settings.port_offset,
                    ip=str(self._settings.bind_address),
                )
                for port in workload.ports
            ],
            mounts=mounts,
            networks_advanced=networks,
            # On no network at all: the engine would put it on its own bridge.
            network_mode=None if networks else "none",
            read_only=not workload.writable_root,
            tmpfs=None if workload.writable_root else TEMPORARY,
            capabilities=docker.ContainerCapabilitiesArgs(
                drops=["ALL"], adds=[f"CAP_{name}" for name in workload.capabilities]
            ),
            security_opts=["no-new-privileges:true"],
            memory=memory,
            # Without it the engine allows as much swap again, and each refresh shows drift.
            memory_swap=memory,
            cpu_shares=workload.limits.cpu_shares,
            shm_size=workload.limits.shared_memory,
            log_driver="json-file",
            log_opts=LOG_ROTATION,
            labels=[docker.ContainerLabelArgs(label=k, value=v) for k, v in labels.items()],
            opts=pulumi.ResourceOptions(
                depends_on=[one.ready for one in after],
                # Names, host ports and volumes bear one owner at a time.
                delete_before_replace=not rolling,
                replace_on_changes=REPLACED_ON,
                **(opts or {}),
            ),
            **arguments,
        )

    def _files(self, workload: Workload, rolling: bool) -> "DeliveredFiles":
        """Put the workload's files into a volume of its own, each with its owner and mode.

        The engine gives a file that is uploaded into a container to that container's user, whom
        it looks up on the host, and fails for a uid that is unknown there (Engine 20.10). So a
        courier without a user, which is never started, takes the files into a volume.

        That of a `rolling` workload too comes before the old one goes: Pulumi would remove the
        workload, whose label names the courier, together with a courier that goes first.
        """
        role = f"{workload.role}-files"
        files: list[File | SecretFile] = [*workload.files, *workload.secrets]
        # A volume for each set of names: in one that is kept, a file that the workload is not to
        # have any more would stay.
        names = "\0".join(sorted(file.name for file in files))
        held = f"{role}-{hashlib.sha256(names.encode()).hexdigest()[:8]}"
        volume = self.volume(held)
        mount = VolumeMount(volume=held, path=FILES_FOLDER)
        name = self._naming.of(role)
        courier = docker.Container(
            name if rolling else role,
            name=None if rolling else name,
            image=self._images.get(self._courier).image_id,
            start=False,
            must_run=False,
            restart="no",
            network_mode="none",
            uploads=[
                docker.ContainerUploadArgs(
                    file=file.path,
                    content=file.content,
                    owner=str(file.uid),
                    group=str(file.uid),
                    permissions=file.mode,
                )
                for file in files
            ],
            mounts=[self._mount(mount)],
            labels=[
                docker.ContainerLabelArgs(label=k, value=v) for k, v in self._labels(role).items()
            ],
            opts=pulumi.ResourceOptions(
                depends_on=[volume],
                delete_before_replace=not rolling,
                replace_on_changes=REPLACED_ON,
            ),
        )
        return DeliveredFiles(
            courier=courier, mount=VolumeMount(volume=held, path=FILES_FOLDER, read_only=True)
        )

    def _labels(self, role: str) -> dict[str, pulumi.Input[str]]:
        owner = {f"{self._naming.project}.{OWNER}": self._ownership.id}
        return {**self._naming.labels(role), **owner}

    def _mount(self, mount: VolumeMount | HostMount) -> docker.ContainerMountArgs:
        if isinstance(mount, HostMount):
            return docker.ContainerMountArgs(
                type="bind", source=mount.source, target=mount.path, read_only=mount.read_only
            )
        return docker.ContainerMountArgs(
            type="volume",
            source=self._volumes[mount.volume].name,
            target=mount.path,
            read_only=mount.read_only,
        )


def _healthcheck(probe: Probe) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        tests=["CMD", *probe.command],
        interval=_duration(probe.interval),
        timeout=_duration(probe.timeout),
        start_period=_duration(probe.start_period),
        retries=probe.retries,
    )


def _duration(seconds: int) -> str:
    """Write seconds as the engine does (`1m30s`); any other spelling is drift at each refresh."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
