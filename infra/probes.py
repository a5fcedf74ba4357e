"""Ways to ask a service in its own container how it is, with what its image has."""


def by_wget(port: int, path: str) -> list[str]:
    """Return the command that fails unless GET of the path succeeds."""
    return ["wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{port}{path}"]


def by_bash(port: int, path: str) -> list[str]:
    """Return the command for images that have neither curl nor wget; it wants status 200.

    It reads to the end: who hangs up before is an error in many a service's log.
    """
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 "
        '&& read -r _ status _ <&3 && cat <&3 >/dev/null && test "$status" = 200'
    )
    return ["bash", "-c", script]
