"""What must hold after a fault: PostgreSQL's data is sound, and what was promised is there."""

import hashlib

from tests.stack.load import Load, missing
from tests.stack.stack_under_test import Stack, docker


def assert_kept(stack: Stack, seen: Load) -> None:
    """Assert that each draft that was answered with 201 is in the table, and is shown.

    One whose request failed may be there or not: nothing was promised.
    """
    assert seen.tokens
    stored = set(stack.psql("select capability_hash from drafts").split())
    hashes = {hashlib.sha256(token.encode()).hexdigest() for token in seen.tokens}
    assert len(hashes - stored) == 0, f"of {len(hashes)} acknowledged drafts"
    assert missing(seen) == []


def assert_intact(stack: Stack) -> None:
    """Assert that PostgreSQL finds its data sound: every page, every index, all of a dump."""
    db = stack.container("db")
    docker(
        *("exec", db, "pg_amcheck", "--username=postgres", "--install-missing", "--all"),
        *("--heapallindexed", "--parent-check"),
    )
    dumped = docker("exec", db, "pg_dump", "--username=postgres", "ontology_hub")
    assert "PostgreSQL database dump complete" in dumped
    failed = "select coalesce(sum(checksum_failures), 0) from pg_stat_database"
    assert stack.psql(failed) == "0"
