"""The figures that `make bench` shows: each measurement is a module with a ``measure`` that returns rows."""
