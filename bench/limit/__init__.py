"""The limit program: only the HTTP server library and the SQL, to measure the maximum of this hardware."""
