"""What a person is told when a dump cannot be made or used."""


class BackupError(Exception):
    """A dump could not be made or is not what it should be; its text says why."""
