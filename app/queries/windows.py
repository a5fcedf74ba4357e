"""Statements on rate windows."""

from sqlalchemy import text

# One statement, so that concurrent requests of one client queue up at the row until the one
# before has committed or rolled back. clock_timestamp() and not now(), which stands still while a
# transaction waits; taken once, in `excluded`, because two readings could fall on both sides of a
# window's end. Returns the count, this request included, and the seconds left.
SPEND = text(
    """
    INSERT INTO rate_windows AS held (policy, client, started_at, used)
    VALUES (:policy, :client, clock_timestamp(), 1)
    ON CONFLICT (policy, client) DO UPDATE SET
        used = CASE
            WHEN held.started_at <= excluded.started_at - make_interval(secs => :seconds) THEN 1
            ELSE held.used + 1
        END,
        started_at = CASE
            WHEN held.started_at <= excluded.started_at - make_interval(secs => :seconds)
            THEN excluded.started_at
            ELSE held.started_at
        END
    RETURNING
        used,
        EXTRACT(epoch FROM started_at - clock_timestamp())::float8 + :seconds AS seconds_left
    """
)

# SKIP LOCKED: a window that is being spent just now is begun anew by whoever spends it.
FORGET = text(
    """
    DELETE FROM rate_windows WHERE (policy, client) IN (
        SELECT policy, client FROM rate_windows
        WHERE policy = :policy AND started_at <= now() - make_interval(secs => :seconds)
        FOR UPDATE SKIP LOCKED
    )
    """
)
