"""What runs scored, how sure that is, and what it is worth."""
