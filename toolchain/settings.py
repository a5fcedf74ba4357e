"""The stack's settings as its config file has them."""

from infra.problems import SettingsError
from infra.settings import StackSettings
from toolchain import pulumi
from toolchain.console import UserError

MEND = "the commands above, then the same make command"


def read(stack: str) -> StackSettings:
    """Return the stack's settings; raises `UserError` with all that is wrong with them.

    Secrets are left out: nothing is decrypted here.
    """
    config = pulumi.config(stack)
    plain = {key: str(value) for key, value in config.items() if not isinstance(value, dict)}
    try:
        return StackSettings.from_config(plain, frozenset(), stack)
    except SettingsError as error:
        raise UserError(str(error), MEND) from None
