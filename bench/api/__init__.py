"""How fast the API is, beside a bare handler, at two sizes, and how fast the importer (docs/bench.md)."""
