"""Medicines as the public database has them: its editions, found by code, said in plain words."""
