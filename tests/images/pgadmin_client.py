"""A browser's part of pgAdmin: log in, list the servers, connect to one."""

import re
from typing import Any

import httpx

EMAIL = "admin@example.com"


class Client:
    """One session with the pgAdmin at `address` (host:port)."""

    def __init__(self, address: str) -> None:
        self.http = httpx.Client(base_url=f"http://{address}", timeout=60)
        self.headers: dict[str, str] = {}

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def login_page(self) -> str:
        """Return the text of the page that asks for the password."""
        return self.http.get("/login").text

    def login(self, password: str, email: str = EMAIL) -> bool:
        """Log in; return whether pgAdmin let us in."""
        token = re.search(r'"csrfToken": "([^"]+)"', self.login_page())
        assert token is not None
        form = {"email": email, "password": password, "csrf_token": token[1]}
        answer = self.http.post("/authenticate/login", data={**form, "internal_button": "Login"})
        if answer.headers.get("location") != "/browser/":
            return False
        script = self.http.get("/browser/js/utils.js").text
        token = re.search(r"pgAdmin\['csrf_token'] = '([^']+)'", script)
        assert token is not None
        self.headers = {"X-pgA-CSRFToken": token[1]}
        return True

    def servers(self) -> list[str]:
        """Return the labels of the servers in the first group."""
        answer = self.http.get("/browser/server/nodes/1/", headers=self.headers)
        nodes: list[dict[str, Any]] = answer.json()["result"]
        return [node["label"] for node in nodes]

    def connect(self, server: int = 1) -> dict[str, Any]:
        """Connect to a server without giving a password; return pgAdmin's answer."""
        answer = self.http.post(
            f"/browser/server/connect/1/{server}", headers=self.headers, json={}
        )
        found: dict[str, Any] = answer.json()
        return found
