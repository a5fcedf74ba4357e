"""pgAdmin as a WSGI application: `gunicorn run_pgadmin:app`.

The first start is made in this one process, from a database that was prepared when the image was
built: running pgAdmin's 50 migrations and importing it once more for each setup command would
cost three times as long.
"""

import base64
import functools
import importlib
import os
import secrets
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

DATA = Path("/var/lib/pgadmin")
DATABASE = DATA / "pgadmin4.db"
TEMPLATE = Path("/pgadmin4/template.db")
# The one user of the template. A database that still has it is a first start cut short.
TEMPLATE_EMAIL = "template@example.com"


def defer_url_builders() -> None:
    """Let werkzeug compile a route's URL builder at its first use, not at import.

    pgAdmin has 1,400 routes, and compiling their builders is a third of its start.
    """
    rule: Any = importlib.import_module("werkzeug.routing.rules").Rule
    compile_builder = getattr(rule, "_compile_builder", None)
    if compile_builder is None:
        return  # another werkzeug: slower, and as right

    def deferred(self: Any, append_unknown: bool = True) -> Any:
        @functools.cache
        def builder() -> Any:
            return compile_builder(self, append_unknown)

        def build(bound: Any, *args: Any, **kwargs: Any) -> Any:
            return builder()(bound, *args, **kwargs)

        return build

    rule._compile_builder = deferred


def is_unfinished(database: Path) -> bool:
    """Return whether a first start was cut short (killed) before it had its user."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found = connection.execute('SELECT 1 FROM "user" WHERE email = ?', (TEMPLATE_EMAIL,))
        unfinished = found.fetchone() is not None
    connection.close()
    return unfinished


def lay_database() -> None:
    """Put the template in place under keys of its own: those in the image are no secret."""
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
    new = DATABASE.with_suffix(".new")
    shutil.copyfile(TEMPLATE, new)
    new.chmod(0o600)
    with sqlite3.connect(new) as connection:
        for name in ("CSRF_SESSION_KEY", "SECRET_KEY", "SECURITY_PASSWORD_SALT"):
            value = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
            connection.execute("UPDATE keys SET value = ? WHERE name = ?", (value, name))
    connection.close()
    new.replace(DATABASE)


def finish_database(app: Any, email: str, password: str) -> None:
    """Make the template's user the one that was asked for; its commit ends the first start."""
    model: Any = importlib.import_module("pgadmin.model")
    hashing: Any = importlib.import_module("flask_security.utils")
    with app.test_request_context():
        user = model.User.query.filter_by(email=TEMPLATE_EMAIL).one()
        user.email = user.username = email
        user.password = hashing.hash_password(password)
        user.fs_uniquifier = secrets.token_hex(16)
        model.db.session.commit()


def read_password() -> str:
    """Return the first user's password: from its file, which keeps it out of the environment."""
    file = os.environ.get("PGADMIN_DEFAULT_PASSWORD_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    return os.environ.get("PGADMIN_DEFAULT_PASSWORD", "")


def load_servers(app: Any, user: str, *, replace: bool) -> None:
    """Load the server definitions for `user`, if there is a file of them."""
    file = Path(os.environ.get("PGADMIN_SERVER_JSON_FILE") or "/pgadmin4/servers.json")
    if not file.is_file():
        return
    utils: Any = importlib.import_module("pgadmin.utils")
    try:
        with app.test_request_context():
            if replace:
                utils.clear_database_servers(user, True)
            utils.load_database_servers(str(file), None, user, True)
    except SystemExit:  # pgAdmin's way to say so, after a message of its own
        sys.exit(f"{file} could not be loaded")


def store_password_file(email: str) -> None:
    """Copy PGPASS_FILE to where a server definition's `passfile` "/.pgpass" looks for it."""
    source = Path(os.environ.get("PGPASS_FILE") or "/nonexistent")
    if not source.is_file():
        return
    folder = DATA / "storage" / email.replace("@", "_")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = folder / ".pgpass"
    copy.unlink(missing_ok=True)
    shutil.copyfile(source, copy)
    copy.chmod(0o600)  # libpq ignores one that others may read


def create() -> Any:
    """Return the application, after a first start where there is no database yet."""
    email = os.environ.get("PGADMIN_DEFAULT_EMAIL", "")
    defer_url_builders()
    first = not DATABASE.exists() or is_unfinished(DATABASE)
    if first:
        lay_database()
    app: Any = importlib.import_module("pgAdmin4").app
    if first:
        validation: Any = importlib.import_module("pgadmin.utils.validation_utils")
        if not validation.validate_email(email):
            DATABASE.unlink()
            sys.exit(f"PGADMIN_DEFAULT_EMAIL {email!r} is no e-mail address that pgAdmin accepts")
        store_password_file(email)
        load_servers(app, TEMPLATE_EMAIL, replace=False)
        finish_database(app, email, read_password())
    elif os.environ.get("PGADMIN_REPLACE_SERVERS_ON_STARTUP") == "True":
        load_servers(app, email, replace=True)
    return app


def start() -> Any:
    """Return the application, or end gunicorn.

    Whatever pgAdmin or the first start ends with becomes status 3: after any other, gunicorn would
    start the worker again, for ever.
    """
    try:
        return create()
    except SystemExit as error:
        if isinstance(error.code, str):
            print(f"Error: {error.code}", file=sys.stderr, flush=True)
        raise SystemExit(3) from error


# Set while the image is built only: importing pgAdmin where there is no database makes one.
if os.environ.get("PGADMIN_MAKE_TEMPLATE"):
    os.environ["PGADMIN_SETUP_EMAIL"] = TEMPLATE_EMAIL
    os.environ["PGADMIN_SETUP_PASSWORD"] = secrets.token_urlsafe()
    importlib.import_module("pgAdmin4")
else:
    app = start()
