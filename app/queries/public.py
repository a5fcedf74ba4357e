"""What the API shows of a row, as the select lists that PostgreSQL turns into JSON.

The names and their order are those of EntityPublic, ModulePublic and ProfilePublic as the contract
lists them. Times are UTC with six digits, whatever the session's time zone.
"""


def _time(column: str) -> str:
    form = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    return f"to_char({column} AT TIME ZONE 'UTC', '{form}') AS {column}"


_TIMES = f"{_time('created_at')}, {_time('updated_at')}"

ENTITY = f"entity_id, entity_type, label, description, schema_definition, id, commit_sha, {_TIMES}"
MODULE = f"module_id, label, description, category_ids, dependencies, id, commit_sha, {_TIMES}"
PROFILE = f"profile_id, label, description, module_ids, id, commit_sha, {_TIMES}"
