"""How fast it is, each time against a floor measured in the same run: the least that any program would have to do.

Machines differ, ratios much less: they are what to compare between two versions. `make bench` takes about two minutes.
"""
