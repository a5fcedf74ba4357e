"""Prometheus: it measures the stack, and keeps what it has measured for some days."""

import json
from typing import Any

from infra import metrics
from infra.images import public_image
from infra.probes import by_wget
from infra.services import backend, backup, node_exporter, postgres_exporter, proxy
from infra.settings import StackSettings
from infra.versions import PROMETHEUS
from infra.workload import METRICS, TOOLS, File, Limits, Probe, Service, VolumeMount

ROLE = "prometheus"
PORT = 9090
HEALTH = "/-/ready"
UID = 65534  # `nobody` in the public image and in its twin

SCRAPE_INTERVAL = "15s"

DATA_VOLUME = "prometheus-data"
DATA_PATH = "/prometheus"

# Whichever is reached first.
KEPT_TIME = "15d"
KEPT_SIZE = "1GB"
MEMORY = 512  # MiB; a stack's few thousand series take a fifth of it

# What one target may tell at once: one that went mad must not take memory and disk from the rest.
SAMPLES = 20_000
# What one query may load, at 16 bytes each: a quarter of the memory for all that run at a time.
QUERIES = 4
QUERY_SAMPLES = 2_000_000


def service(settings: StackSettings) -> Service:
    """Return Prometheus; neither its lifecycle nor its admin API is on."""
    config = File(name="prometheus.yml", content=json.dumps(_config(settings), indent=2))
    return Service(
        role=ROLE,
        image=public_image(PROMETHEUS, settings),
        user=f"{UID}:{UID}",
        networks=[METRICS, TOOLS],
        command=[
            f"--config.file={config.path}",
            f"--storage.tsdb.path={DATA_PATH}",
            f"--storage.tsdb.retention.time={KEPT_TIME}",
            f"--storage.tsdb.retention.size={KEPT_SIZE}",
            f"--query.max-concurrency={QUERIES}",
            f"--query.max-samples={QUERY_SAMPLES}",
            "--query.timeout=30s",
        ],
        # Go collects in time instead of being killed at the limit.
        env={"GOMEMLIMIT": f"{MEMORY * 4 // 5}MiB"},
        files=[config],
        mounts=[VolumeMount(volume=DATA_VOLUME, path=DATA_PATH)],
        readiness=Probe(command=by_wget(PORT, HEALTH)),
        limits=Limits(memory=MEMORY, cpu_shares=256, pids=64),
        # What is in its memory goes to the disk.
        stop_grace=30,
    )


def _config(settings: StackSettings) -> dict[str, Any]:
    jobs = [
        {
            "job_name": "backend",
            # Each address of the name: during an update there are two of them.
            "dns_sd_configs": [
                {
                    "names": [backend.ROLE],
                    "type": "A",
                    "port": metrics.PORT,
                    "refresh_interval": "15s",
                }
            ],
        },
        _job("postgres", f"{postgres_exporter.ROLE}:{postgres_exporter.PORT}"),
        _job("disks", f"{node_exporter.ROLE}:{node_exporter.PORT}"),
        _job("prometheus", f"127.0.0.1:{PORT}"),
    ]
    if not settings.hot_reload:
        # What it knows of each single server is left out.
        scope = {"params": {"scope": ["global", "frontend", "backend"]}}
        jobs.append({**_job("proxy", f"{proxy.ROLE}:{metrics.PORT}"), **scope})
    if settings.backup_schedule:
        jobs.append(_job("backup", f"{backup.ROLE}:{backup.PORT}"))
    return {
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "scrape_timeout": "10s",
            "sample_limit": SAMPLES,
        },
        "scrape_configs": jobs,
    }


def _job(name: str, target: str) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": [target]}]}
