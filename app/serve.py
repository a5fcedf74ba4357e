"""`python -m app.serve [--reload]`: the server, as the image starts it.

It is process 1, so `docker stop` reaches it. On SIGTERM it says at /health that it is about to
end, and goes on answering until whoever sends the requests has noticed; then it lets running
requests end. With --reload, for developers, it watches the code, and gives no notice.
"""

import argparse
import math
import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from app import draining
from app.logs import CONFIG_FILE

# Seconds from SIGTERM to the last request taken. The proxy asks at /health twice a second, but not
# while a question of its own waits for a slow database (1.5 s); the rest is for a busy machine.
NOTICE = 4.0
# Seconds that running requests have after that.
GRACE = 20

OPTIONS: dict[str, Any] = {
    "host": "0.0.0.0",  # noqa: S104  # a container's: what is published says who may come
    "port": 8000,
    # A request's head is bounded in size and in time.
    "http": "app.conduct.protocol:BoundedProtocol",
    "log_config": str(CONFIG_FILE),
    # The app logs requests itself, without a draft's token.
    "access_log": False,
    # There are none, and uvicorn would log the path of each attempt, without an access log too.
    "ws": "none",
    "server_header": False,
    # uvicorn would believe those of whoever comes from 127.0.0.1; TRUSTED_PROXIES says whose are.
    "proxy_headers": False,
    "timeout_graceful_shutdown": GRACE,
}


class Server(uvicorn.Server):
    """A server that gives notice before it closes its listener."""

    _closing = math.inf  # a reading of time.monotonic()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Give notice at a first SIGTERM; any second signal ends the process at once."""
        if self._captured_signals:
            os._exit(128 + sig)
        if sig == signal.SIGTERM and self.started:
            self._captured_signals.append(sig)
            self._closing = time.monotonic() + NOTICE
            draining.begin()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """End when the time of notice is over; uvicorn asks ten times a second."""
        if time.monotonic() >= self._closing:
            self.should_exit = True
        return await super().on_tick(counter)


def main(reload: bool) -> None:
    """Serve until a signal ends it."""
    if reload:
        uvicorn.run(
            "app.main:app", reload=True, reload_dirs=[str(Path(__file__).parent)], **OPTIONS
        )
        return
    config = uvicorn.Config("app.main:app", **OPTIONS)
    config.load_app()  # first, so that what is wrong with the settings is said without a trace
    Server(config).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reload", action="store_true", help="watch app/ and restart on edits")
    main(parser.parse_args().reload)
