"""Create the peer's database: `python prepare.py CLIENT_ID CLIENT_SECRET LINKS` with BENCH_DATABASE set."""

import sys

from app import SCHEMA, connection


def main() -> None:
    client_id, client_secret, links = sys.argv[1:]
    connection().execute("PRAGMA journal_mode = WAL")
    connection().executescript(SCHEMA)
    connection().execute("BEGIN")
    connection().execute("INSERT INTO clients VALUES (?, ?, 'connect:fulfillment')", (client_id, client_secret))
    rows = ((f"user-{number}", 1, "2035-01-01T00:00:00Z") for number in range(int(links)))
    connection().executemany("INSERT INTO links VALUES (?, ?, ?)", rows)
    connection().execute("COMMIT")


if __name__ == "__main__":
    main()
