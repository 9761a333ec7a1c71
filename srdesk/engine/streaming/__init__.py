"""A network as a stream of rows: each number is computed once, and memory grows with the width only."""
