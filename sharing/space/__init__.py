"""What patients read in their space: prescriptions and shares as cards, timelines, and the way to a pharmacy."""
