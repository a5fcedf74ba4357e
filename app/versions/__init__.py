"""The versions of the ontology and what differs between two of them."""
