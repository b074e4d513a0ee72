"""The pharmacy's desk: its worklist, one share, its answers, and what it delivers at the counter."""
