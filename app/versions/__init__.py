"""The versions of the ontology's source, and what has changed from one to another."""
