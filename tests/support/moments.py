"""Moments and durations that several tests name, in Unix seconds and in seconds."""

FRIDAY_MORNING = 1_800_000_000.0  # 2027-01-15T08:00:00Z
HOUR = 60 * 60
DAY = 24 * HOUR  # also how long a token lasts
