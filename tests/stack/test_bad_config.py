"""Bad config through the real CLI: all of it reported, nothing made."""

import socket
from collections.abc import Callable

from tests.stack.stack_under_test import Stack, on_the_engine


def test_every_bad_value_is_reported_at_once_and_nothing_is_created(
    new_stack: Callable[[], Stack],
) -> None:
    stack = new_stack()
    before = on_the_engine()
    stack.config(backendPort="99999", hotReload="maybe", pgadminEmail="nobody", nonsense="1")
    stack.pulumi("config", "set", "--secret", "ontology-hub:appPassword", "--", "short")
    for command in (("up", "--yes", "--skip-preview"), ("preview",)):
        said = stack.pulumi(*command, fails=True)
        assert "5 settings are wrong; nothing was changed." in said
        for key in ("backendPort", "hotReload", "pgadminEmail", "nonsense", "appPassword"):
            assert f"ontology-hub:{key}" in said
        assert "mend: pulumi config set ontology-hub:backendPort 8000" in said
        assert "Traceback" not in said
        assert "short" not in said
    assert on_the_engine() == before


def test_a_taken_port_is_told_with_the_way_out_and_nothing_is_created(
    new_stack: Callable[[], Stack],
) -> None:
    stack = new_stack()
    before = on_the_engine()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 8000 + stack.offset))
        taken.listen()
        said = stack.up(fails=True)
    assert f"port {8000 + stack.offset} on 127.0.0.1 is in use by another program" in said
    assert "mend: pulumi config set ontology-hub:backendPort 8001" in said
    assert "Traceback" not in said
    assert on_the_engine() == before


def test_hostile_values_reach_the_user_as_a_short_message_that_commands_no_terminal(
    new_stack: Callable[[], Stack],
) -> None:
    stack = new_stack()
    before = stack.objects()
    stack.config(
        corsOrigins="https://wiki.example\r\nX-Evil: \x1b[2J",
        registryMirror="r.example/" + "x" * 100_000,
        ontologyPath="/proc",
        protectData="yes",
    )
    stack.pulumi("config", "set", "ontology-hub:webhookSecret", "--plaintext", "hunter2-hunter2")
    for said in (stack.pulumi("preview", fails=True), stack.up(fails=True)):
        assert "4 settings are wrong; nothing was changed." in said
        assert "mend: pulumi config set --secret ontology-hub:webhookSecret" in said
        assert "Traceback" not in said
        assert "hunter2" not in said
        assert "\x1b[2J" not in said
        assert len(said) < 5_000
    assert stack.objects() == before
