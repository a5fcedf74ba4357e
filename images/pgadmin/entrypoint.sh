#!/bin/sh
# Start pgAdmin under gunicorn as the public image's documentation describes it. What is kept to,
# and by which test: images/README.md.
set -eu

fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 1
}

file=${PGADMIN_DEFAULT_PASSWORD_FILE:-}
if [ ! -f /var/lib/pgadmin/pgadmin4.db ]; then
    if [ -n "$file" ] && [ -n "${PGADMIN_DEFAULT_PASSWORD:-}" ]; then
        fail 'both PGADMIN_DEFAULT_PASSWORD and PGADMIN_DEFAULT_PASSWORD_FILE are set; keep one'
    elif [ -n "$file" ] && [ ! -r "$file" ]; then
        fail "PGADMIN_DEFAULT_PASSWORD_FILE names $file, which uid $(id -u) cannot read"
    elif [ -z "${PGADMIN_DEFAULT_EMAIL:-}" ] || [ -z "${PGADMIN_DEFAULT_PASSWORD:-}$file" ]; then
        fail 'set PGADMIN_DEFAULT_EMAIL, and PGADMIN_DEFAULT_PASSWORD or PGADMIN_DEFAULT_PASSWORD_FILE'
    fi
fi

# The settings file may stand elsewhere, where the container's root is read-only.
if [ -s "${PGADMIN_CUSTOM_CONFIG_DISTRO_FILE:-}" ]; then
    export CONFIG_DISTRO_FILE_PATH="$PGADMIN_CUSTOM_CONFIG_DISTRO_FILE"
fi

# The interpreter that may bind port 80 cannot be started where NET_BIND_SERVICE is dropped
# (`--cap-drop ALL`), and gains nothing under `no-new-privileges`: there the plain one runs.
bounding=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
no_new_privileges=$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/self/status)
python=/venv/bin/python3
http=80
https=443
if [ "$((0x$bounding & 0x400))" = 0 ] || [ "$no_new_privileges" = 1 ]; then
    python=/venv/bin/python3-plain
    http=8080
    https=8443
    echo "No NET_BIND_SERVICE here: starting without it, on port ${PGADMIN_LISTEN_PORT:-8080 or 8443}"
fi

port=${PGADMIN_LISTEN_PORT:-$http}
if [ -n "${PGADMIN_ENABLE_TLS:-}" ]; then
    port=${PGADMIN_LISTEN_PORT:-$https}
    set -- --certfile /certs/server.cert --keyfile /certs/server.key
else
    set --
fi

# One worker, because pgAdmin keeps its connections in the process; threads, because one request
# may be a long query. The timeout is long because the worker imports pgAdmin within it, which a
# busy machine may take a minute for. /dev/shm: a slow disk must not look like a dead worker.
exec "$python" -m gunicorn \
    --bind "${PGADMIN_LISTEN_ADDRESS:-[::]}:$port" \
    --workers 1 \
    --threads "${GUNICORN_THREADS:-25}" \
    --timeout 86400 \
    --worker-tmp-dir /dev/shm \
    --no-control-socket \
    --limit-request-line "${GUNICORN_LIMIT_REQUEST_LINE:-8190}" \
    --access-logfile "${GUNICORN_ACCESS_LOGFILE:--}" \
    "$@" \
    run_pgadmin:app
