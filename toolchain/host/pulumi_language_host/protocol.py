"""The generated classes of the engine's protocol, without the SDK around them.

Importing the package pulumi takes a third of a second. For one update the engine starts a host
twice, the first time only to ask for its version; so the classes are loaded from their folder,
and only the process that runs a program imports pulumi.
"""

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import language_pb2 as language
    from pulumi.runtime.proto import language_pb2_grpc as service
    from pulumi.runtime.proto import plugin_pb2 as plugin
else:
    _PACKAGE = "pulumi_language_protocol"
    _sdk = importlib.util.find_spec("pulumi")
    if _sdk is None or _sdk.origin is None:
        raise ImportError(f"{sys.executable} has no package pulumi")
    _spec = ModuleSpec(_PACKAGE, loader=None, is_package=True)
    _spec.submodule_search_locations = [str(Path(_sdk.origin).parent / "runtime" / "proto")]
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(_spec)
    language = importlib.import_module(f"{_PACKAGE}.language_pb2")
    service = importlib.import_module(f"{_PACKAGE}.language_pb2_grpc")
    plugin = importlib.import_module(f"{_PACKAGE}.plugin_pb2")

__all__ = ["language", "plugin", "service"]
