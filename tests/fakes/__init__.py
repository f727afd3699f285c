"""Stand-ins for the outside world that tests of several parts share."""
