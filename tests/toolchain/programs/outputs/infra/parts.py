"""Resources without a provider, one of them registered at import."""

import pulumi


class Greeting(pulumi.ComponentResource):
    """A component that only holds a text."""

    text: pulumi.Output[str]

    def __init__(self, name: str, text: str) -> None:
        """Register the component and its text."""
        super().__init__("test:index:Greeting", name)
        self.text = pulumi.Output.from_input(text)
        self.register_outputs({"text": self.text})


AT_IMPORT = Greeting("at-import", "imported")
