"""How a benchmark is told to stop."""

import signal


def stop_in_order() -> None:
    """Let SIGTERM and SIGINT raise KeyboardInterrupt, so that what was made is removed.

    Else nothing would be cleaned up when a CI job is told to stop, or Ctrl-C ignored where a shell
    has started this in the background.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
