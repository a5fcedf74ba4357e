"""Start over with a stack whose state or passphrase is lost, and keep its data.

Containers and networks are found by the stack's labels and removed; volumes never are. The next
`make up` makes new passwords, and the roles job sets them in the old database.
"""

import re
import shutil
import time
from pathlib import Path

from infra.problems import PROJECT
from toolchain import console, locks, objects, pulumi, strays


def recover(stack: str) -> None:
    """Remove the stack's containers and networks and set its old state aside."""
    locks.settle(stack)
    strays.end(pulumi.ROOT)
    # Built images too: the next `up` builds them under other names.
    for line in objects.remove(objects.of(stack)):
        console.say(line)
    console.say(f"removed the containers, networks and built images of stack {stack}")
    console.say(f"kept its volumes: {', '.join(objects.volumes(stack)) or 'there are none'}")
    aside = pulumi.ROOT / ".hub" / "lost" / time.strftime("%Y%m%d-%H%M%S")
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    _set_state_aside(stack, aside)
    _forget_encrypted_config(pulumi.config_file(stack), aside)
    console.say("now run: make up")


def _set_state_aside(stack: str, aside: Path) -> None:
    """Move the stack's files of the local backend away; a backend elsewhere is left alone."""
    folder = pulumi.ROOT / ".hub" / "state" / ".pulumi" / "stacks" / PROJECT
    for file in sorted(folder.glob(f"{stack}.json*")):
        file.rename(aside / file.name)
        _say(file, aside)


def _say(file: Path, aside: Path) -> None:
    kept = (aside / file.name).relative_to(pulumi.ROOT)
    console.say(f"set aside {file.relative_to(pulumi.ROOT)} as {kept}")


def _forget_encrypted_config(path: Path, aside: Path) -> None:
    """Drop the salt and what was encrypted with it: nobody can read that without the passphrase."""
    if not path.exists():
        return
    shutil.copy2(path, aside)  # the passphrase may turn up
    _say(path, aside)
    text = path.read_text()
    lost = re.findall(r"^\s+ontology-hub:(\w+):\n\s+secure: .*\n?", text, re.MULTILINE)
    text = re.sub(r"^\s+ontology-hub:\w+:\n\s+secure: .*\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r"^encryptionsalt: .*\n?", "", text, flags=re.MULTILINE)
    path.write_text(text)
    for key in lost:
        console.say(f"set again what was encrypted: pulumi config set --secret ontology-hub:{key}")
