"""Fuzzing of every decoder that reads bytes from outside. docs/fuzzing.md."""
