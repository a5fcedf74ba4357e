"""The Ontology Hub backend: `uvicorn app.main:app`."""
