"""The centre's reference end: takes what stations deliver, stores it for good, and answers with its signature."""
