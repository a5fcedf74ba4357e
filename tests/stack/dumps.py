"""What the tests of dumps and of restores look at."""

import re
import subprocess
from pathlib import Path

import httpx

from tests.stack.stack_under_test import Stack

DRAFT = {
    "wiki_url": "https://wiki.example",
    "base_version": "v1",
    "entities": {
        "categories": [{"entity_id": "Swarm", "label": "Swarm", "schema_definition": {}}],
    },
}
# Every row of every table of the schema, whatever order they lie in. Not the runs of jobs: those
# that follow a restore add theirs.
FINGERPRINTS = r"""
select format('select %L, count(*), md5(string_agg(t::text, chr(10) order by t::text)) from %I t',
              tablename, tablename)
from pg_tables where schemaname = 'public' and tablename <> 'job_runs' order by tablename \gexec
"""


def rows(stack: Stack) -> dict[str, str]:
    """Return table to count and checksum of its rows."""
    done = subprocess.run(
        [
            *("docker", "exec", "--interactive", stack.container("db"), "psql", "--no-psqlrc"),
            *("--tuples-only", "--no-align", "--username=postgres", "ontology_hub"),
        ],
        input=FINGERPRINTS,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("|", 1) for line in done.stdout.splitlines())


def backup(stack: Stack) -> Path:
    """Make a dump as `make backup` does; return its file."""
    said = stack.hub("backup")
    made = re.search(r"^made (\S+) \(\d+ bytes\)$", said, re.MULTILINE)
    assert made, said
    return stack.root / made[1]


def databases(stack: Stack) -> set[str]:
    sql = "select datname from pg_database where not datistemplate"
    return set(stack.psql(sql).split()) - {"postgres"}


def create_draft(stack: Stack) -> str:
    """Create a draft over HTTP; return its path."""
    api = f"http://127.0.0.1:{8000 + stack.offset}/api/v1"
    made = httpx.post(f"{api}/drafts", json={"payload": DRAFT})
    assert made.status_code == 201, made.text
    return f"/api/v1/drafts/{made.json()['capability_url'].split('#')[1]}"


def all_healthy(stack: Stack) -> bool:
    return set(stack.health().values()) == {"healthy"} and stack.get("/health")[0] == 200
