"""The container's health check: `python -IS app/healthcheck.py [live|ready] [PORT]`.

Exit code 0 if the backend on this host answers 200, else 1. Runs every few seconds, so it imports
next to nothing: with -I -S, and without http.client, it takes a fraction of the time.
"""

import socket
import sys

PATHS = {"live": "/livez", "ready": "/health"}
TIMEOUT = 3.0  # seconds for each step; above the 2 s that /health may take


def answers(path: str, port: int) -> bool:
    """Tell whether GET `path` on 127.0.0.1 is answered with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            return connection.recv(64).split(b" ", 2)[1:2] == [b"200"]
    except OSError:
        return False


if __name__ == "__main__":
    which = sys.argv[1] if len(sys.argv) > 1 else "ready"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 8000
    sys.exit(0 if answers(PATHS[which], port) else 1)
