"""Jobs: what waits, what runs, what has become of it; a thin port over DBOS."""
