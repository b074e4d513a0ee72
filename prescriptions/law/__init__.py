"""The law's rules on dispensing: the dated table, and what speaks against one delivery."""
