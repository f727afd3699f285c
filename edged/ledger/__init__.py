"""The ledger: one chain of lines, cut into pieces at signed checkpoints (docs/ledger.md)."""
