"""SR Desk: enlarge pictures four times, compare what each network made of them, train the networks."""

__version__ = "0.1.0"
