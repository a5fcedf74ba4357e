"""The engine ends, in order or not, or the whole machine does: all comes back, nothing is lost.

On an engine of the tests' own (second_engine.py); the machine's is left alone.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from infra.images import TWINS, reference
from tests.faults.second_engine import SecondEngine, missing
from tests.stack.kept import assert_intact, assert_kept
from tests.stack.load import UNLIMITED, load
from tests.stack.operations import follow
from tests.stack.stack_under_test import Stack, eventually, image_source

BACK_SECONDS = 120.0


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    """Run a second engine, which has the public images, and speak with it alone meanwhile."""
    if lacks := missing():
        pytest.skip(f"a second engine needs {', '.join(lacks)}")
    engine = SecondEngine()
    with pytest.MonkeyPatch.context() as patch:
        try:
            engine.power_on()
            engine.load(*(reference(public, image_source()) for public in TWINS))
            patch.setenv("DOCKER_HOST", engine.host)
            yield engine
        finally:
            engine.remove()


@pytest.fixture(scope="module", params=["dev", "baked"])
def stack(
    engine: SecondEngine, new_stack: Callable[[], Stack], request: pytest.FixtureRequest
) -> Iterator[Stack]:
    stack = new_stack()
    stack.address = engine.address
    hot_reload = str(request.param == "dev").lower()
    # Not on loopback, where alone the database's port may be open.
    stack.config(bindAddress=engine.address, databasePort="", hotReload=hot_reload, **UNLIMITED)
    stack.up()
    yield stack
    stack.hub("down")


@pytest.mark.parametrize("fault", [SecondEngine.stop, SecondEngine.kill, SecondEngine.power_off])
def test_all_services_come_back_by_themselves_with_every_acknowledged_draft(
    engine: SecondEngine, stack: Stack, fault: Callable[[SecondEngine], None]
) -> None:
    before, healthy = stack.ids(), stack.health()
    assert set(healthy.values()) == {"healthy"}
    with load(stack.api_url) as seen:
        seen.goes_on()
        fault(engine)
        time.sleep(1)  # a client's request may be under way for as long
        made = len(seen.tokens)
        began = time.monotonic()
        engine.power_on() if fault is SecondEngine.power_off else engine.start()
        eventually(lambda: stack.health() == healthy, BACK_SECONDS)
        print(f"healthy {time.monotonic() - began:.1f} s after the start of {fault.__name__}")
        seen.goes_on()
    assert made < len(seen.tokens)
    assert_kept(stack, seen)
    assert_intact(stack)
    follow(stack, "The engine was restarted, or the machine was rebooted")
    assert stack.ids() == before
    stack.unchanged()
