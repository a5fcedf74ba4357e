"""The file formats of ontologies: read, and written back without touching the rest of a file."""
