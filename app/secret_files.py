"""Files that hold a secret and nothing else."""

from pathlib import Path


def read_secret(variable: str, path: Path) -> str:
    """Return the text of the file that `variable` names as it is, less one final newline.

    pydantic-settings' own `secrets_dir` strips white space at both ends, which would change a
    password that has some. Raises ValueError, which names the variable and shows no content.
    """
    try:
        secret = path.read_bytes().decode("utf-8")  # read_text would turn \r\n into \n
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ValueError(f"{variable}={path} cannot be read: {reason}") from None
    secret = secret.removesuffix("\n")
    if not secret:
        raise ValueError(f"{variable}={path} is empty")
    return secret
