"""Views of the ledger that are searched: dropped and rebuilt at will."""
