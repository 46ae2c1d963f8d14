"""Emotional prompts in a Git repository: documents, versions, edits and reads."""
