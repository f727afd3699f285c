"""The three journals of the law as entries to be registered, and the views that go with them. See `forms`."""
