"""`python -m toolchain.reference`: write the config keys into Pulumi.yaml and the README.

The one source is `infra/settings.py`; tests/infra holds both files to it.
"""

import json
import re
from pathlib import Path

from pydantic.alias_generators import to_camel

from infra.problems import is_secret
from infra.settings import StackSettings

ROOT = Path(__file__).resolve().parent.parent

README_TABLE = re.compile(r"(?<=-->\n)\| key \|.*?(?=\n\n)", re.DOTALL)
PULUMI_KEYS = re.compile(r"(?<=^config:\n)(?:  .*\n?)*", re.MULTILINE)


def readme_table() -> str:
    """Return the README's table: every key with its default and meaning."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name, field in StackSettings.model_fields.items():
        key = to_camel(name)
        default = "generated" if key.endswith("Password") else _text(field.default) or "(empty)"
        rows.append(f"| `{key}` | {default} | {field.description} |")
    return "\n".join(rows)


def pulumi_keys() -> str:
    """Return the block under `config:` of Pulumi.yaml: every key that is no secret, as text."""
    return "".join(
        f"  {to_camel(name)}:\n"
        f"    type: string\n"
        f"    default: {json.dumps(_text(field.default))}\n"
        f"    description: {json.dumps(field.description)}\n"
        for name, field in StackSettings.model_fields.items()
        if not is_secret(to_camel(name))
    )


def _text(default: object) -> str:
    """Return a default as `pulumi config set` would be given it."""
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _replace(path: Path, pattern: re.Pattern[str], text: str) -> None:
    path.write_text(pattern.sub(lambda _: text, path.read_text(), count=1))


if __name__ == "__main__":
    _replace(ROOT / "README.md", README_TABLE, readme_table())
    _replace(ROOT / "Pulumi.yaml", PULUMI_KEYS, pulumi_keys())
