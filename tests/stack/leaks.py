"""Where a stack's secrets show, in whatever form.

    assert leaks(stack, {"the output of up": said}) == []

A secret is found by being one: what Pulumi's config, state or passphrase file holds as a secret is
looked for in all that the engine, Pulumi and the containers tell of the stack. A new secret, or a
new container, needs no change here.
"""

import base64
import html
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from tests.stack.stack_under_test import PROJECT, Stack, docker

# How a deployment marks a secret value; with --show-secrets, `plaintext` holds it as JSON.
SIGNATURE = "4dabf18193072939515e22adb298388d"


def leaks(stack: Stack, more: Mapping[str, str] | None = None) -> list[str]:
    """Return `where: which secret` for each that shows; `more` are further texts by their names."""
    return sorted(found({**told(stack), **(more or {})}, secrets(stack)))


def found(texts: Mapping[str, str], secrets: Mapping[str, str]) -> Iterator[str]:
    """Yield `where: which secret` for each that stands in a text, in any of its forms."""
    written = {name: forms(value) for name, value in secrets.items()}
    for where, text in texts.items():
        for name, ways in written.items():
            if any(way in text for way in ways):
                yield f"{where}: {name}"


def forms(secret: str) -> set[str]:
    """Return the secret as it is and as it stands in JSON, URLs, HTML, pgpass, SQL, base64 ..."""
    data = secret.encode()
    once = {
        secret,
        repr(secret)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
        secret.replace("\\", "\\\\").replace(":", "\\:"),
        secret.replace("'", "''"),
        secret.replace("'", "'\"'\"'"),
        data.hex(),
    }
    for shift in range(3):
        # Within a longer text its three alignments differ, and so do the characters at the ends.
        whole = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        part = whole[shift + 1 if shift else 0 : -1]
        once |= {part, part.replace("+", "-").replace("/", "_")}
    in_json = {json.dumps(one)[1:-1] for one in once} | {_go_json(one) for one in once}
    return once | in_json | {_go_json(one) for one in in_json}


def secrets(stack: Stack) -> dict[str, str]:
    """Return name to value of every secret of the stack, configured or generated."""
    config = json.loads(stack.pulumi("config", "--show-secrets", "--json"))
    values = {f"config {key}": item["value"] for key, item in config.items() if item.get("secret")}
    state = json.loads(stack.pulumi("stack", "export", "--show-secrets"))
    for resource in state["deployment"]["resources"]:
        name = resource["urn"].rpartition("::")[2]
        for part in ("inputs", "outputs"):
            for place, value in _marked(resource.get(part), part):
                for number, text in enumerate(_secret_texts(value)):
                    values[f"{name} {place} {number}"] = text
    values["passphrase"] = (stack.root / ".hub" / "passphrase").read_text()
    return values


def told(stack: Stack) -> dict[str, str]:
    """Return what the engine, Pulumi and the containers tell of the stack, by where it stands."""
    label = f"--filter=label={PROJECT}.stack={stack.name}"
    texts = {
        "the state's files": _files(stack, ".hub/state/**/*"),
        "the config's file": _files(stack, "Pulumi.*.yaml"),
        "the exported state": stack.pulumi("stack", "export"),
        "the outputs": stack.pulumi("stack", "output"),
        "the outputs as JSON": stack.pulumi("stack", "output", "--json"),
        "the config": stack.pulumi("config"),
        "preview --diff": stack.pulumi("preview", "--diff"),
        "the history": stack.pulumi("stack", "history"),
        "make status": stack.hub("status"),
        "the engine's events": docker(
            *("events", "--since=24h", f"--until={int(time.time())}", label)
        ),
    }
    for kind in ("network", "volume"):
        names = docker(kind, "ls", "--quiet", label).split()
        texts[f"inspect of each {kind}"] = docker(kind, "inspect", *names)
    images = set()
    for role, container in stack.ids().items():
        texts[f"inspect of {role}"] = docker("inspect", container)
        texts[f"the log of {role}"] = docker("logs", container)
        images.add(docker("inspect", "--format={{.Image}}", container).strip())
        if docker("inspect", "--format={{.State.Running}}", container).strip() == "true":
            texts[f"the processes of {role}"] = processes(container)
    for image in images:
        texts[f"image {image}"] = docker("history", "--no-trunc", image) + docker("inspect", image)
    return texts


def processes(container: str) -> str:
    """Return command lines and environments of all processes in the container.

    As root with SYS_PTRACE, from a container beside it: who runs in it may not read those of a
    program with file capabilities, such as pgAdmin's Python.
    """
    image = docker("inspect", "--format={{.Image}}", container).strip()
    files = "/proc/[0-9]*/cmdline /proc/[0-9]*/environ"
    script = f"for file in {files}; do tr '\\0' '\\n' < $file; done"
    seen = docker(
        *("run", "--rm", "--user=root", "--cap-add=SYS_PTRACE", f"--pid=container:{container}"),
        *("--entrypoint=sh", image, "-c", script),
    )
    assert "PATH=" in seen  # an environment was read
    return seen


def _files(stack: Stack, pattern: str) -> str:
    texts = [file.read_text() for file in stack.root.glob(pattern) if file.is_file()]
    assert texts, pattern
    return "\n".join(texts)


def _marked(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield place and value of everything that is marked as a secret in a part of a deployment."""
    if isinstance(value, dict):
        if SIGNATURE in value:
            yield place, json.loads(value["plaintext"])
            return
        for key, item in value.items():
            yield from _marked(item, f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _marked(item, f"{place}.{index}")


def _secret_texts(value: Any) -> Iterator[str]:
    """Yield what is secret in a value: of a container's uploads, what its owner alone may read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for upload in value:
            if isinstance(upload, dict) and upload.get("permissions") == "0400":
                # Line by line: of a key in PEM one is enough to know it by.
                lines = upload["content"].splitlines()
                yield from (line for line in lines if line and not line.startswith("-----"))


def _go_json(text: str) -> str:
    """Return a text as Go writes it into JSON, which escapes three characters for HTML too."""
    escaped = json.dumps(text)[1:-1]
    for character in "<>&":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return escaped
