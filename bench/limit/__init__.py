"""The limit program: what the hardware, the server library and the SQL leave when everything else is left out."""
