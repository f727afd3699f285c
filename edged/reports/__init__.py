"""The report of a shift, a day or a month: what it holds (`data`), how the ledger gives it (`period`, `build`)."""
