"""The files of a prescription: the printed page as PDF, photos made safe, documents kept sealed."""
