"""Journals and reports on paper: PDF that is the same byte for byte whenever it is made of the same."""
