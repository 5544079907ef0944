"""Usage: what was asked, by whom, and how much more may be."""
