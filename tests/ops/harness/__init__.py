"""What the operator tests share. `inputs`, `variants` and `calls` need no particular front end: the
recorder of 1.9.1's results uses them as well, so that both sides see the same numbers."""
