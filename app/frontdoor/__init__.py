"""The pages for people: `/`, which is an index for programs, and those of entities and modules."""
