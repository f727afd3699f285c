"""A week of a customs post in virtual time: 24 cameras, three shifts a day, 40 officers, the faults of real life."""
