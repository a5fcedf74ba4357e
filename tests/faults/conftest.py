"""The slow tests of faults (`make test-faults`) use the same real stacks as tests/stack."""

from tests.stack.conftest import new_stack

__all__ = ["new_stack"]
