"""`make bench`: this stack beside docker compose with the same containers (see docs/bench.md)."""
