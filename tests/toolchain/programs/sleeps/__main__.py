"""A program that is still busy when the user or the machine loses patience."""

import subprocess
import time
from pathlib import Path

print("busy")
child = subprocess.Popen(["sleep", "300"])
Path("asleep").touch()
try:
    time.sleep(300)
finally:
    Path("cleaned-up").touch()
