"""Read the project's whole config, unknown keys included, from Pulumi's runtime."""

from pulumi.runtime import config as runtime

from infra.problems import PROJECT


def project_config() -> tuple[dict[str, str], frozenset[str]]:
    """Return the project's keys and values, and which of the keys are secret; no namespace.

    `pulumi.Config` answers for one known key at a time; a misspelt key is only found by looking
    at all of them. A language host hands them over in the environment or in the process.
    """
    namespace = f"{PROJECT}:"
    values = {**runtime.get_config_env(), **runtime.CONFIG.get()}
    secrets = {*runtime.get_config_secret_keys_env(), *runtime._SECRET_KEYS.get()}
    return (
        {k.removeprefix(namespace): str(v) for k, v in values.items() if k.startswith(namespace)},
        frozenset(k.removeprefix(namespace) for k in secrets if k.startswith(namespace)),
    )
