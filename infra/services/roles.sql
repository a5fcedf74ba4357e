-- Gives the server its database and its roles. Runs as `postgres` over the local socket, at the
-- first start and again whenever a password or the volume changes; every statement may be repeated.
\set ON_ERROR_STOP on

-- A failing statement must not carry a password into the server's log.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
-- Nor show it to who may look at all sessions (pg_monitor, below).
SET track_activities = off;
SET password_encryption = 'scram-sha-256';

\set postgres_password `cat /run/secrets/postgres_password`
\set owner_password `cat /run/secrets/owner_password`
\set app_password `cat /run/secrets/app_password`
\set read_password `cat /run/secrets/read_password`

ALTER ROLE postgres PASSWORD :'postgres_password';

SELECT format('CREATE ROLE %I', wanted.name)
FROM (VALUES ('ontology'), ('ontology_app'), ('ontology_read')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name)
\gexec

-- Said in full each time, so that rights given by hand do not stay.
ALTER ROLE ontology LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'owner_password';
ALTER ROLE ontology_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'app_password';
ALTER ROLE ontology_read LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'read_password';
ALTER ROLE ontology_read SET default_transaction_read_only = on;

SELECT current_setting('shared_preload_libraries') = 'pg_stat_statements' AS observed
\gset
\if :observed
GRANT pg_monitor TO ontology_read;
\else
SELECT 'REVOKE pg_monitor FROM ontology_read'
WHERE pg_has_role('ontology_read', 'pg_monitor', 'MEMBER')
\gexec
\endif

-- What `make restore` leaves behind if it is killed: a half-filled copy, or the one replaced.
DROP DATABASE IF EXISTS ontology_hub_restored WITH (FORCE);
DROP DATABASE IF EXISTS ontology_hub_replaced WITH (FORCE);

SELECT 'CREATE DATABASE ontology_hub OWNER ontology'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ontology_hub')
\gexec
ALTER DATABASE ontology_hub OWNER TO ontology;

\connect ontology_hub
-- \connect is a new session: say it again.
SET log_statement = 'none';

REVOKE ALL ON DATABASE ontology_hub FROM PUBLIC;
GRANT CONNECT ON DATABASE ontology_hub TO ontology_app, ontology_read;
-- The importer compares what is there with what it read in temporary tables.
GRANT TEMPORARY ON DATABASE ontology_hub TO ontology_app;

ALTER SCHEMA public OWNER TO ontology;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ontology_app, ontology_read;

-- Before the grants, which are then the same at each run. Without its library it is of no use: a
-- restored dump may have brought it.
\if :observed
CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public;
\else
DROP EXTENSION IF EXISTS pg_stat_statements;
\endif

GRANT SELECT ON ALL TABLES IN SCHEMA public TO ontology_app, ontology_read;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ontology_app;
-- Which revision the schema has is for the migrations alone to say.
SELECT format('GRANT INSERT, UPDATE, DELETE ON public.%I TO ontology_app', tablename)
FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
\gexec
-- A dump holds where each sequence stands.
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO ontology_read;

-- What migrations create later is reached without a grant in each of them; from alembic_version,
-- which they create as well, they take it back (migrations/guard.py).
ALTER DEFAULT PRIVILEGES FOR ROLE ontology IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ontology_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ontology IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO ontology_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ontology IN SCHEMA public
    GRANT SELECT ON TABLES TO ontology_read;
ALTER DEFAULT PRIVILEGES FOR ROLE ontology IN SCHEMA public
    GRANT SELECT ON SEQUENCES TO ontology_read;

\echo roles are in place
