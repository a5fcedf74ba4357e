#!/usr/local/bin/stand-in
"""Stands in for `grafana`: the server, and the one command of its CLI that the stack uses.

What it does by grafana.db, the real one does too (pkg/services/sqlstore, pkg/cmd/grafana-cli of
12.3): the configured password is taken for an empty database only; the CLI reads the new one from
the first line of standard input.
"""

import base64
import http.server
import os
import pathlib
import re
import sys

DATABASE = pathlib.Path(os.environ["GF_PATHS_DATA"]) / "grafana.db"
HOME, CONFIG = os.environ["GF_PATHS_HOME"], os.environ["GF_PATHS_CONFIG"]
SERVER = ["server", f"--homepath={HOME}", f"--config={CONFIG}"]
RESET = [
    *("cli", "--homepath", HOME, "--config", CONFIG),
    *("admin", "reset-admin-password", "--password-from-stdin"),
]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers the health check, and /api/user to the admin."""

    def do_GET(self) -> None:
        login = base64.b64encode(b"admin:" + DATABASE.read_bytes()).decode()
        known = self.headers["Authorization"] == f"Basic {login}"
        open_to_all = self.path == "/api/health"
        self.send_response(200 if open_to_all or (self.path == "/api/user" and known) else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def reset() -> None:
    if os.environ["GF_LOG_MODE"] != "console":
        sys.exit("Failed to create directory /var/log/grafana: read-only file system")
    if not DATABASE.exists():
        sys.exit("could not read user from database")
    DATABASE.write_text(sys.stdin.readline().rstrip("\n"))
    print("Admin password changed successfully")


def serve() -> None:
    if not DATABASE.exists():
        setting = os.environ["GF_SECURITY_ADMIN_PASSWORD"]
        password = re.sub(
            r"\$__file\{(.+)\}", lambda file: pathlib.Path(file[1]).read_text(), setting
        )
        DATABASE.write_text(password)
    http.server.ThreadingHTTPServer(("", 3000), Handler).serve_forever()


if sys.argv[1:] == RESET:
    reset()
elif sys.argv[1:] == SERVER:
    serve()
else:
    sys.exit(f"grafana: no such command: {sys.argv[1:]}")
