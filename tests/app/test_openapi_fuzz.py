"""schemathesis: the application does what its own OpenAPI document says, whatever it is sent."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.support import Backend, backend, script

# The same requests in each run; a failure prints how to send its request again.
SEED = 4711
# Requests of each kind for an operation; with schemathesis' own of each parameter's limits it is
# about a hundred.
EXAMPLES = 12

# Nothing of this is under test here.
UNLIMITED = dict.fromkeys(
    ("DRAFTS_PER_HOUR", "DRAFT_READS_PER_MINUTE", "LISTS_PER_MINUTE", "READS_PER_MINUTE"),
    "1000000000",
)

# A little of everything, each related to another: a loop of modules, an id that needs quoting.
ROWS = """
INSERT INTO entities (entity_type, entity_id, label, description, schema_definition) VALUES
    ('category', 'Boat', 'Boat', 'Floats', '{"parents": ["Thing"], "properties": ["Has_hull"],
      "subobjects": ["Crew"], "required_properties": ["Has_hull"]}'),
    ('category', 'Thing', 'Thing', NULL, '{"parents": [], "properties": [], "subobjects": []}'),
    ('category', 'Über/Boot 50%', 'Über Boot', 'a "quoted" one', '{"parents": ["Boat"]}'),
    ('property', 'Has_hull', 'Has hull', 'What it floats by', '{"datatype": "Text"}'),
    ('subobject', 'Crew', 'Crew', NULL, '{"properties": ["Has_hull"]}');
INSERT INTO modules (module_id, label, category_ids, dependencies) VALUES
    ('Sea', 'Sea', '["Boat", "Thing"]', '["Land"]'),
    ('Land', 'Land', '["Thing"]', '["Sea", "Gone"]');
INSERT INTO profiles (profile_id, label, module_ids) VALUES ('All', 'All', '["Sea", "Land"]');
INSERT INTO snapshots (name, commit_sha) VALUES ('v1', repeat('a', 40)), ('v2', repeat('b', 40));
INSERT INTO snapshot_files (kind, item_id, path, content, document, added_in, removed_in)
SELECT 'category', 'Boat', 'categories/Boat.json', '{}', '{"id": "Boat"}', min(id), max(id)
FROM snapshots;
"""
IDS = {
    "path.entity_id": ["Boat", "Thing", "Has_hull", "Crew", "Über/Boot 50%"],
    "path.module_id": ["Sea", "Land"],
    "path.profile_id": ["All"],
    "query.q": ["boat", "hull", "50%"],
    "query.cursor": ["", "Boat"],
    "query.old": ["v1"],
    "query.new": ["v2", "bbbb"],
}


@pytest.fixture(scope="module")
def running(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """The application over the rows above, with every route open or guarded by its secret."""
    script(module_database, ROWS)
    folder = tmp_path_factory.mktemp("fuzz")
    variables = dict(UNLIMITED)
    for name in ("ADMIN_SECRET_FILE", "WEBHOOK_SECRET_FILE"):
        file = folder / name
        file.write_text(secrets.token_hex())
        variables[name] = str(file)
    url = module_database.set(username=roles["app"])
    with backend(url, folder, variables=variables) as process:
        yield process


def a_drafts_token(running: Backend) -> str | None:
    answer = httpx.post(running.url + "/api/v1/drafts", json={"payload": {"a": 1}}, timeout=20)
    return str(answer.json()["capability_url"].rpartition("#")[2]) if answer.is_success else None


# What the schemas do not say, so that a request may be refused although it fits: free JSON in a
# draft has no NUL and no number that is not kept exactly, definitions have many spellings, and an
# id stands once in its list; what a draft holds decides which changes it takes; used-by of a
# category is a 400. The schema of ids is compared with their rule in test_draft_refusals.py.
MORE_THAN_A_SCHEMA = [
    ("positive_data_acceptance", "POST", "/drafts$"),
    ("positive_data_acceptance", "PATCH", "/drafts/"),
    ("positive_data_acceptance", "GET", "/used-by$"),
]


def configuration(values: dict[str, list[str]]) -> str:
    """Return schemathesis' configuration: half of the time these parameters are what is there."""
    lines = [f"seed = {SEED}"]
    for check, method, path in MORE_THAN_A_SCHEMA:
        lines += [
            "[[operations]]",
            f'include-method = "{method}"',
            f"include-path-regex = '{path}'",
        ]
        lines += [f"checks.{check}.enabled = false"]
    lines.append("[parameters]")
    for number, name in enumerate(values):
        lines.append(f'"{name}" = {{ dictionary = "d{number}", probability = 0.5 }}')
    for number, known in enumerate(values.values()):
        lines += [f"[dictionaries.d{number}]", f"values = {json.dumps(known)}"]
    return "\n".join(lines)


def test_every_answer_is_as_the_docs_say(running: Backend, tmp_path: Path) -> None:
    token = a_drafts_token(running)
    known = IDS | ({"path.token": [token]} if token else {})
    (tmp_path / "schemathesis.toml").write_text(configuration(known))
    command = (
        *(sys.executable, "-m", "schemathesis.cli", "run", running.url + "/openapi.json"),
        *("--max-examples", str(EXAMPLES), "--workers", "2"),
        *("--continue-on-failure", "--no-color"),
    )
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    print(result.stdout)
    assert result.returncode == 0, f"seed {SEED}: see above"
    errors = [line for line in running.lines() if line["level"] == "ERROR"]
    assert errors == []
