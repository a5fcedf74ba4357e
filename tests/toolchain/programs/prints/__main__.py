"""A program that writes to both streams, with and without the end of a line, to its very end."""

import atexit
import sys
import threading
import time


def _late() -> None:
    time.sleep(0.5)
    print("from a thread")


atexit.register(print, "at exit")
threading.Thread(target=_late).start()
print("to stdout")
print("to stderr", file=sys.stderr)
sys.stdout.write("stdout without end of line")
