"""What comes by mail: fetched, read without trust, and understood as an answer, a report, a receipt or a document."""
