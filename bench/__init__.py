"""`make bench`: this stack beside docker compose, and in api/ the API (see docs/bench.md)."""
