"""Drafts: proposed changes, what they would change, and whether they would hold."""
