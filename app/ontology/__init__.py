"""What an ontology is made of, whatever files it comes from."""
