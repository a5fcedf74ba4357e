"""What the metrics tell of the rows."""

# A draft is over when its time is, swept or not: what it says of itself comes later.
HOLDINGS = """
SELECT json_build_object(
    'drafts', (
        SELECT coalesce(json_object_agg(status, count), '{}') FROM (
            SELECT CASE WHEN expires_at <= now() THEN 'expired' ELSE status END AS status, count(*)
            FROM drafts WHERE deleted_at IS NULL GROUP BY 1
        ) AS counted
    ),
    'last_runs', (
        SELECT coalesce(json_object_agg(job, json_build_object(
            'ended_at', extract(epoch FROM ended_at), 'failed', NOT succeeded
        )), '{}') FROM (SELECT DISTINCT ON (job) * FROM job_runs ORDER BY job, id DESC) AS last
    ),
    'last_import', (
        SELECT summary FROM job_runs
        WHERE job = 'importer' AND succeeded ORDER BY id DESC LIMIT 1
    )
)
"""
