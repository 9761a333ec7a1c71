"""How far results can be trusted, shown on the desk: numbers, maps, back-projection, ground truth."""
