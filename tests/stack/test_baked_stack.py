"""The stack with the code baked in: failing migrations, an older release, the real pull path."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.stack.stack_under_test import Stack, docker, on_the_engine

MIGRATION = '''"""A migration of the tests."""

revision = "{revision}"
down_revision = "{down}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    pass
'''


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    before = on_the_engine()
    stack = new_stack()
    stack.config(hotReload="false")
    stack.up()
    yield stack
    stack.destroy()
    assert on_the_engine() == before


@contextmanager
def serving_all_the_while(stack: Stack) -> Iterator[None]:
    """Assert that the backend answers /health with 200 at every moment inside the block."""
    answers: list[object] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                answers.append(stack.get("/health")[0])
            except OSError as error:
                answers.append(error)
            time.sleep(0.1)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        yield
    finally:
        done.set()
        asker.join()
    assert len(answers) > 10
    assert set(answers) == {200}


def test_the_baked_backend_has_no_mount_of_the_code(stack: Stack) -> None:
    for role in ("backend", "migrations"):
        targets = {mount["Destination"] for mount in stack.inspect(role)["Mounts"]}
        assert targets == {"/run/secrets"}
    assert "--reload" not in stack.inspect("backend")["Config"]["Cmd"]
    assert stack.get("/health")[0] == 200


def test_a_failed_migration_fails_up_twice_while_the_old_backend_serves_and_goes_green_when_mended(
    stack: Stack,
) -> None:
    head = stack.outputs()["migration_revision"]
    backend = stack.ids()["backend"]
    file = stack.root / "migrations" / "versions" / "2099_01_01_0000-of_the_tests.py"
    broken = "raise RuntimeError('this migration is broken on purpose')"
    file.write_text(MIGRATION.format(revision="0ftests", down=head, upgrade=broken))
    with serving_all_the_while(stack):
        for _ in range(2):
            said = stack.up(fails=True)
            assert "the job migrations failed with exit code 1" in said
            assert "this migration is broken on purpose" in said
            assert stack.ids()["backend"] == backend
    file.write_text(MIGRATION.format(revision="0ftests", down=head, upgrade="pass"))
    stack.up()
    assert stack.ids()["backend"] != backend
    assert stack.outputs()["migration_revision"] == "0ftests"
    assert stack.get("/health")[0] == 200
    stack.unchanged()


def test_a_database_ahead_of_the_code_is_refused_and_left_alone(stack: Stack) -> None:
    (file,) = (stack.root / "migrations" / "versions").glob("2099*.py")
    text = file.read_text()
    file.unlink()
    with serving_all_the_while(stack):
        said = stack.up(fails=True)
    assert "the database is at revision 0ftests, which this version of the code" in said
    assert "Traceback" not in said
    assert stack.psql("select version_num from alembic_version") == "0ftests"
    # Back to the very code that runs: its image is built a second time, beside the first.
    file.write_text(text)
    stack.up()
    assert stack.get("/health")[0] == 200
    stack.unchanged()


def test_the_old_image_goes_with_the_containers_that_ran_it(stack: Stack) -> None:
    images = docker(
        *("images", "--format={{.ID}}", f"--filter=label=ontology-hub.stack={stack.name}")
    )
    assert len(images.split()) == 1
