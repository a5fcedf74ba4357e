"""Brings the database to what a source says: `python -m app.importer PATH`."""
