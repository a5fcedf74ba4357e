"""A program that cannot do without a config value."""

import pulumi

pulumi.export("token", pulumi.Config().require("token"))
