"""How far a result can be trusted, and how it was made."""
