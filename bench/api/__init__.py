"""How fast the API is beside a bare handler and at two sizes, and the importer (docs/bench.md)."""
