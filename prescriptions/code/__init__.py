"""The signed code of a prescription: its keys, its text, its QR, how it is read back, and what it is worth."""
