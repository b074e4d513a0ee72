"""What leaves by mail: its words, what it encloses, and the frozen MIME message."""
