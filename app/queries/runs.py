"""Runs of jobs: one is added, and the oldest go."""

KEPT = 100

# $1 job, $2 how many seconds it took, $3 message (null: it succeeded), $4 summary. Whoever deletes
# does not see the row that is added in the same statement.
ADD = f"""
WITH added AS (
    INSERT INTO job_runs (job, started_at, ended_at, succeeded, message, summary)
    VALUES ($1, now() - make_interval(secs => $2), now(), $3::text IS NULL, $3, $4)
)
DELETE FROM job_runs WHERE job = $1 AND id <= (
    SELECT id FROM job_runs WHERE job = $1 ORDER BY id DESC OFFSET {KEPT - 1} LIMIT 1
)
"""
