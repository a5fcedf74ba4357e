"""Turn workloads into resources of one Docker engine.

The only module that imports pulumi_docker. What the provider cannot do (wait with an early end
and the log in the error, limit processes, fail on a job's exit code) is in `engine.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_docker as docker

from infra.naming import Naming
from infra.settings import StackSettings
from infra.targets import engine
from infra.workload import BuiltImage, HostMount, Image, Job, Probe, Service, VolumeMount, Workload

# A stack's log may take this much of the disk: 8 containers x 3 files x 10 MB.
LOG_ROTATION = {"max-size": "10m", "max-file": "3"}


@dataclass(frozen=True)
class Deployed:
    """A workload on the engine.

    `ready` resolves when the service is healthy or the job has ended well; whoever comes after
    waits for it, and an error in it stops `pulumi up`.
    """

    container: docker.Container
    ready: pulumi.Output[docker.Container]


class DockerTarget:
    """Deploys onto the engine that DOCKER_HOST (else the local socket) names."""

    def __init__(self, settings: StackSettings, naming: Naming) -> None:
        self._settings = settings
        self._naming = naming
        self._images: dict[str, docker.RemoteImage] = {}
        self._volumes: dict[str, docker.Volume] = {}
        self._network = docker.Network(
            "network",
            name=naming.network,
            driver="bridge",
            labels=[docker.NetworkLabelArgs(label=k, value=v) for k, v in naming.labels().items()],
        )

    def volume(self, volume: str) -> None:
        """Declare a named volume; `protectData` keeps it on destroy."""
        self._volumes[volume] = docker.Volume(
            volume,
            name=self._naming.of(volume),
            labels=[
                docker.VolumeLabelArgs(label=k, value=v)
                for k, v in self._naming.labels(volume).items()
            ],
            opts=pulumi.ResourceOptions(retain_on_delete=self._settings.protect_data),
        )

    def service(self, service: Service, after: Sequence[Deployed] = ()) -> Deployed:
        """Run a service once all of `after` are ready."""
        readiness = service.readiness
        container = self._container(
            service,
            after,
            restart="unless-stopped",
            must_run=True,
            healthcheck=_healthcheck(readiness),
            destroy_grace_seconds=service.stop_grace,
            stop_timeout=service.stop_grace,
        )
        expected = engine.Expected(
            role=service.role,
            pids=service.limits.pids,
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
            restart="no",
            # The provider's one-shot form: `must_run=True` would start an ended job again at
            # each refresh, `rm=True` would lose the exit code and the log.
            attach=True,
            must_run=False,
            logs=True,
            ulimits=[
                # The provider cannot set a cgroup's limit of processes before the start.
                docker.ContainerUlimitArgs(name="nproc", soft=job.limits.pids, hard=job.limits.pids)
            ],
            extra_labels={f"{self._naming.project}.{k}": v for k, v in job.runs_again_with.items()},
            opts={
                "hooks": engine.job_must_succeed(job.role),
                "custom_timeouts": pulumi.CustomTimeouts(create=f"{job.time_limit}s"),
            },
        )
        return Deployed(container=container, ready=container.id.apply(lambda _: container))

    def _image(self, image: Image) -> docker.RemoteImage:
        if image.name not in self._images:
            self._images[image.name] = (
                self._built(image)
                if isinstance(image, BuiltImage)
                # Shared by stacks and slow to get: `destroy` leaves it on the engine.
                else docker.RemoteImage(
                    _resource_name(image.name), name=image.name, keep_locally=True
                )
            )
        return self._images[image.name]

    def _built(self, image: BuiltImage) -> docker.RemoteImage:
        base = self._image(image.base)
        return docker.RemoteImage(
            _resource_name(image.name),
            # The digest in the name makes a changed input a new image, which is built before the
            # old one goes: the old containers keep running until they are replaced.
            name=f"{image.name}:{image.digest}",
            build=docker.RemoteImageBuildArgs(
                context=image.context,
                dockerfile=image.dockerfile,
                target=image.target,
                build_args={"BASE_IMAGE": image.base.name},
                labels=self._naming.labels(),
            ),
            # The base may change under a kept name (a registry's tag): build again then.
            triggers={"base": base.image_id},
            opts=pulumi.ResourceOptions(depends_on=[base]),
        )

    def _container(
        self,
        workload: Workload,
        after: Sequence[Deployed],
        extra_labels: dict[str, pulumi.Input[str]] | None = None,
        opts: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> docker.Container:
        labels: dict[str, pulumi.Input[str]] = {
            **self._naming.labels(workload.role),
            **(extra_labels or {}),
        }
        memory = workload.limits.memory
        return docker.Container(
            workload.role,
            name=self._naming.of(workload.role),
            image=self._image(workload.image).image_id,
            hostname=workload.role,
            user=workload.user,
            command=list(workload.command) or None,
            envs=[f"{key}={value}" for key, value in sorted(workload.env.items())],
            uploads=_uploads(workload),
            ports=[
                docker.ContainerPortArgs(
                    internal=port.container,
                    external=port.host + self._settings.port_offset,
                    ip=str(self._settings.bind_address),
                )
                for port in workload.ports
            ],
            mounts=[self._mount(mount) for mount in workload.mounts],
            networks_advanced=[
                docker.ContainerNetworksAdvancedArgs(
                    # The resource's name, not the text: destroy must take containers off first.
                    name=self._network.name,
                    aliases=[workload.role],
                )
            ],
            capabilities=docker.ContainerCapabilitiesArgs(
                drops=["ALL"], adds=[f"CAP_{name}" for name in workload.capabilities]
            ),
            security_opts=["no-new-privileges:true"],
            memory=memory,
            # Without it the engine allows as much swap again, and each refresh shows drift.
            memory_swap=memory,
            log_driver="json-file",
            log_opts=LOG_ROTATION,
            labels=[docker.ContainerLabelArgs(label=k, value=v) for k, v in labels.items()],
            opts=pulumi.ResourceOptions(
                depends_on=[one.ready for one in after],
                # Names, host ports and volumes bear one owner at a time.
                delete_before_replace=True,
                # The provider "updates" a changed health check without touching the container.
                replace_on_changes=["healthcheck"],
                **(opts or {}),
            ),
            **arguments,
        )

    def _mount(self, mount: VolumeMount | HostMount) -> docker.ContainerMountArgs:
        if isinstance(mount, HostMount):
            return docker.ContainerMountArgs(
                type="bind", source=mount.source, target=mount.path, read_only=True
            )
        return docker.ContainerMountArgs(
            type="volume",
            source=self._volumes[mount.volume].name,
            target=mount.path,
            read_only=mount.read_only,
        )


def _resource_name(image: str) -> str:
    """Return `python` for `registry.example/x/python:3.12`: the last word before the tag."""
    return f"{image.rsplit('/', 1)[-1].split(':', 1)[0]}-image"


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


def _uploads(workload: Workload) -> list[docker.ContainerUploadArgs]:
    files = [
        docker.ContainerUploadArgs(
            file=file.path,
            content=file.content,
            owner=str(file.uid),
            group=str(file.uid),
            permissions=file.mode,
        )
        for file in workload.files
    ]
    secrets = [
        docker.ContainerUploadArgs(
            file=secret.path,
            content=secret.value,
            owner=str(secret.uid),
            group=str(secret.uid),
            permissions=secret.mode,
        )
        for secret in workload.secrets
    ]
    return files + secrets
