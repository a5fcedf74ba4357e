#!/bin/sh
# Start HAProxy as the public image's documentation describes it. What is kept to, and by which test:
# images/README.md.
set -eu

# `docker run IMAGE -c` means HAProxy's options.
case ${1-} in
-*) set -- haproxy "$@" ;;
esac

# A master in the foreground, which starts a new worker on SIGHUP (or SIGUSR2).
if [ "${1-}" = haproxy ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"
