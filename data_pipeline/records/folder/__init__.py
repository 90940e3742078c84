"""What lies in a prepared folder beside the records: rows, sources, settings; and older formats."""
