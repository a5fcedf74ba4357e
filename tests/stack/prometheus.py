"""Prometheus of a stack, asked as Grafana asks it; it has no port, so at its own address."""

from typing import Any

import httpx

from tests.stack.stack_under_test import Stack


def address(stack: Stack, role: str, network: str) -> str:
    """Return a container's address on a network of the stack, where this machine reaches it."""
    networks = stack.inspect(role)["NetworkSettings"]["Networks"]
    return str(networks[stack.container(network)]["IPAddress"])


def ask(stack: Stack, path: str, **parameters: str) -> Any:
    """Return the data of an answer of Prometheus's API."""
    place = f"http://{address(stack, 'prometheus', 'tools')}:9090/api/v1/{path}"
    return httpx.get(place, params=parameters).raise_for_status().json()["data"]


def query(stack: Stack, promql: str, **parameters: str) -> dict[tuple[str, ...], float]:
    """Return the present values by the values of their labels, in the order of the labels' names.

    The job and the instance are left out.
    """
    return {
        tuple(
            value
            for label, value in sorted(one["metric"].items())
            if label not in ("__name__", "instance", "job")
        ): float(one["value"][1])
        for one in ask(stack, "query", query=promql, **parameters)["result"]
    }


def targets(stack: Stack) -> dict[str, set[str]]:
    """Return each job's targets as Prometheus last found them: up, down or unknown."""
    found: dict[str, set[str]] = {}
    for one in ask(stack, "targets", state="active")["activeTargets"]:
        found.setdefault(one["labels"]["job"], set()).add(one["health"])
    return found
