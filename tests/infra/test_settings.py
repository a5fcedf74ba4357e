"""Bad config is reported whole, with the way out, before anything is made."""

from pathlib import Path

import pulumi
import pytest
import yaml

from infra.problems import SettingsError, is_secret
from infra.settings import StackSettings
from tests.infra.declared_graph import Declare
from toolchain import reference
from toolchain.gitfilter import clean

ROOT = Path(__file__).resolve().parents[2]


def refusal(config: dict[str, str], secrets: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        StackSettings.from_config(
            {**config, **(secrets or {})}, frozenset(secrets or {}), stack="dev"
        )
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "reason", "mend"),
    [
        ("backendPort", "99999", "less than or equal to 65535", "backendPort 8000"),
        ("backendPort", "0", "greater than or equal to 1", "backendPort 8000"),
        ("backendPort", "eighty", "a whole number", "backendPort 8000"),
        ("backendPort", "", "a whole number", "backendPort 8000"),
        ("databasePort", "-1", "greater than or equal to 1", "databasePort ''"),
        ("portOffset", "-5", "greater than or equal to 0", "portOffset 0"),
        ("hotReload", "maybe", "true or false", "hotReload false"),
        ("grafana", "", "true or false", "grafana true"),
        ("imageSource", "ftp", "'registry' or 'local'", "imageSource registry"),
        ("registryMirror", "https://r.example", "without a scheme", "registryMirror ''"),
        ("bindAddress", "localhost", "valid IPv4 address", "bindAddress 127.0.0.1"),
        ("pgadminEmail", "nobody", "@-sign", "pgadminEmail admin@example.com"),
        ("logLevel", "LOUD", "'DEBUG', 'INFO'", "logLevel INFO"),
        ("corsOrigins", "wiki.example", "https://wiki.example", "corsOrigins ''"),
        ("startTimeout", "5", "greater than or equal to 10", "startTimeout 180"),
        ("backupSchedule", "@reboot", "cron's five fields", "backupSchedule ''"),
        ("backupSchedule", "0 * * * * *", "cron's five fields", "backupSchedule ''"),
        ("backupSchedule", "99 * * * *", "bad minute", "backupSchedule ''"),
        ("backupSchedule", "0 0 31 2 *", "bad day-of-month", "backupSchedule ''"),
        ("backupsKept", "0", "greater than or equal to 1", "backupsKept 7"),
        ("backupDir", "", "must be a path", "backupDir .hub/backups"),
        ("draftsPerHour", "0", "greater than or equal to 1", "draftsPerHour 20"),
        ("trustedProxies", "proxy.example", "networks like 10.0.0.0/8", "trustedProxies ''"),
        ("trustedProxies", "10.0.0.1/8", "has host bits set", "trustedProxies ''"),
        ("maxBodyBytes", "10", "greater than or equal to 1024", "maxBodyBytes 1048576"),
    ],
)
def test_a_bad_value_is_told_with_key_value_reason_and_command(
    key: str, value: str, reason: str, mend: str
) -> None:
    said = refusal({key: value})
    assert said.startswith("1 setting is wrong; nothing was changed.")
    assert f"ontology-hub:{key} = '{value}'" in said
    assert reason in said
    assert f"mend: pulumi config set ontology-hub:{mend}" in said


def test_all_problems_are_reported_at_once() -> None:
    said = refusal(
        {
            "backendPort": "x",
            "pgadminPort": "5432",
            "databasePort": "5432",
            "nonsense": "1",
            "pgadminEmail": "nobody",
            "appPassword": "in-clear-by-mistake",
        },
        secrets={"postgresPassword": ""},
    )
    assert said.startswith("6 settings are wrong")
    for key in ("backendPort", "databasePort", "nonsense", "pgadminEmail", "appPassword"):
        assert f"ontology-hub:{key}" in said
    assert "ontology-hub:postgresPassword" in said


def test_an_unknown_key_is_refused_with_the_known_ones_and_the_command_that_removes_it() -> None:
    said = refusal({"backendport": "8000"})
    assert "no such setting" in said
    assert "backendPort" in said
    assert "mend: pulumi config rm ontology-hub:backendport" in said


@pytest.mark.parametrize("value", ["", "short", "with blank inside", "tab\tinside", "grüße-grüße"])
def test_a_bad_secret_is_told_without_its_value(value: str) -> None:
    said = refusal({}, secrets={"ownerPassword": value})
    assert "ontology-hub:ownerPassword\n" in said
    assert value == "" or value not in said
    assert "mend: pulumi config set --secret ontology-hub:ownerPassword" in said


def test_a_secret_in_clear_is_refused_without_showing_it() -> None:
    said = refusal({"ownerPassword": "hunter2-hunter2"})
    assert "stands in clear" in said
    assert "hunter2" not in said


def test_an_api_secret_is_a_secret_too() -> None:
    said = refusal({"adminSecret": "hunter2-hunter2"}, secrets={"webhookSecret": "short"})
    assert said.startswith("2 settings are wrong")
    assert "stands in clear" in said
    assert "mend: pulumi config set --secret ontology-hub:webhookSecret" in said
    assert "hunter2" not in said


def test_the_value_of_any_key_that_was_set_as_secret_is_not_shown() -> None:
    said = refusal({}, secrets={"pgadminEmail": "hunter2-hunter2"})
    assert "ontology-hub:pgadminEmail\n" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("stack", ["Dev", "my_stack", "a" * 31, "-x", "x-"])
def test_a_stack_whose_name_no_container_may_bear_is_refused(stack: str) -> None:
    with pytest.raises(SettingsError, match="lower-case letters"):
        StackSettings.from_config({}, frozenset(), stack=stack)


def test_a_port_that_is_used_twice_is_refused_and_a_free_one_proposed() -> None:
    said = refusal({"pgadminPort": "8000"})
    assert "ontology-hub:pgadminPort = 8000" in said
    assert "taken by backendPort" in said
    assert "mend: pulumi config set ontology-hub:pgadminPort 8001" in said


def test_grafanas_port_counts_only_where_grafana_runs() -> None:
    off = {"grafana": "false", "backendPort": "3000"}
    assert StackSettings.from_config(off, frozenset(), "dev").backend_port == 3000
    assert "taken by backendPort" in refusal({**off, "grafana": "true"})


def test_an_offset_that_lifts_a_port_beyond_the_last_one_is_refused() -> None:
    assert "lifts backendPort to 68000" in refusal({"portOffset": "60000"})


def test_a_port_that_another_program_holds_is_told_before_anything_is_made(
    declare: Declare,
) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        declare({"databasePort": "5432"}, taken=("5432", "8000"))
    said = str(caught.value)
    assert said.startswith("2 settings are wrong; nothing was changed.")
    assert "port 5432 on 127.0.0.1 is in use" in said
    assert "mend: pulumi config set ontology-hub:backendPort 8001" in said


def test_pulumi_yaml_declares_each_plain_key_as_text_with_the_programs_default() -> None:
    text = (ROOT / "Pulumi.yaml").read_text()
    assert reference.PULUMI_KEYS.findall(text) == [reference.pulumi_keys()]
    for key, declared in yaml.safe_load(text)["config"].items():
        assert not is_secret(key)
        assert declared["type"] == "string"
        StackSettings.from_config({key: declared["default"]}, frozenset(), "dev")


def test_the_dev_stack_is_valid_and_holds_no_salt_and_no_secret_in_git() -> None:
    text = (ROOT / "Pulumi.dev.yaml").read_text()
    committed = clean(text)
    assert "encryptionsalt" not in committed
    config = {
        key.removeprefix("ontology-hub:"): value
        for key, value in yaml.safe_load(committed)["config"].items()
        if not isinstance(value, dict)
    }
    settings = StackSettings.from_config(config, frozenset(), "dev")
    assert settings.hot_reload
    assert settings.database_port == 5432


def test_the_readme_lists_every_config_key_with_its_default_and_meaning() -> None:
    table = reference.readme_table()
    assert table.count("\n") == 1 + len(StackSettings.model_fields)
    assert reference.README_TABLE.findall((ROOT / "README.md").read_text()) == [table]
