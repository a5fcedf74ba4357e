"""The stack's secrets: configured with `pulumi config set --secret`, else generated."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random
from pydantic import SecretStr

from infra.settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """Each password of the stack, and each other secret that is configured; secret to Pulumi."""

    postgres: pulumi.Output[str]
    owner: pulumi.Output[str]
    app: pulumi.Output[str]
    read: pulumi.Output[str]
    pgadmin: pulumi.Output[str]
    grafana: pulumi.Output[str] | None
    admin: pulumi.Output[str] | None
    webhook: pulumi.Output[str] | None

    @classmethod
    def of(cls, settings: StackSettings) -> "Passwords":
        """Take what is configured and generate the rest (kept in the stack's state)."""
        return cls(
            postgres=_secret("postgres-password", settings.postgres_password),
            owner=_secret("owner-password", settings.owner_password),
            app=_secret("app-password", settings.app_password),
            read=_secret("read-password", settings.read_password),
            pgadmin=_secret("pgadmin-password", settings.pgadmin_password),
            grafana=_secret("grafana-password", settings.grafana_password)
            if settings.grafana
            else None,
            # Nothing is generated here: what nobody has set stays closed.
            admin=_configured(settings.admin_secret),
            webhook=_configured(settings.webhook_secret),
        )


def _secret(name: str, configured: SecretStr | None) -> pulumi.Output[str]:
    given = _configured(configured)
    if given is not None:
        return given
    # Letters and digits only: more would have to be escaped in URLs and typed in logins.
    generated = random.RandomPassword(name, length=32, special=False).result
    # The plugin marks it too; a plugin that forgot would put it into plain state.
    return pulumi.Output.secret(generated)


def _configured(secret: SecretStr | None) -> pulumi.Output[str] | None:
    return None if secret is None else pulumi.Output.secret(secret.get_secret_value())
