"""The running station: one owner for every dock, reader, slot, list and inbox; all parts over ports."""
