"""The pages for people: `/`, which is an index for programs, and a page for each entity."""
