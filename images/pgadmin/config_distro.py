"""pgAdmin's settings for this container, from the PGADMIN_CONFIG_* variables.

Read by pgAdmin after its own config.py and before config_local.py. Every name without a leading
underscore would become a setting, hence the underscores.
"""

import ast as _ast
import os as _os

# Where the wheel has its documentation, seen from pgAdmin's help module.
HELP_PATH = "../../docs/en_US/_build/html/"
DEFAULT_BINARY_PATHS = {"pg-17": "/usr/local/pgsql-17"}
# Logs go to the container's log alone.
LOG_FILE = "/dev/null"

_PREFIX = "PGADMIN_CONFIG_"

for _name, _value in _os.environ.items():
    if _name.startswith(_PREFIX):
        try:
            globals()[_name.removeprefix(_PREFIX)] = _ast.literal_eval(_value)
        except (ValueError, SyntaxError):
            raise SystemExit(
                f"{_name}={_value} is not a Python literal: "
                "write True, False, 123 or, with its quotes, 'text'"
            ) from None
