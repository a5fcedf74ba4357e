#!/usr/bin/env bash
# Start PostgreSQL as the public image's documentation describes it: fill an empty data folder
# once, then hand over to the server. What is kept to, and by which test: images/README.md.
set -euo pipefail

INIT_FOLDER=/docker-entrypoint-initdb.d

fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 1
}

# read_setting NAME DEFAULT: NAME from its variable, from the file that NAME_FILE names, or DEFAULT.
read_setting() {
    local name=$1 default=${2-}
    local file_variable="${name}_FILE"
    local value=${!name-} file=${!file_variable-}
    if [[ -n $value && -n $file ]]; then
        fail "both $name and $file_variable are set; keep one of them"
    fi
    if [[ -n $file ]]; then
        [[ -r $file ]] || fail "$file_variable names $file, which uid $(id -u) cannot read"
        value=$(<"$file")
    fi
    printf -v "$name" '%s' "${value:-$default}"
    export "${name?}"
}

prepare_folders() {
    mkdir -p "$PGDATA" /var/run/postgresql
    # Either may be a mount that another user owns; the server itself says so if it matters.
    chmod 0700 "$PGDATA" 2>/dev/null || true
    chmod 3777 /var/run/postgresql 2>/dev/null || true
    if [[ $(id -u) == 0 ]]; then
        find "$PGDATA" ! -user postgres -exec chown postgres: '{}' +
        find /var/run/postgresql -maxdepth 1 ! -user postgres -exec chown postgres: '{}' +
    fi
}

check_settings() {
    if [[ -z $POSTGRES_PASSWORD && ${POSTGRES_HOST_AUTH_METHOD-} != trust ]]; then
        cat >&2 <<'TEXT'
Error: the database is empty and the superuser has no password.
       Set POSTGRES_PASSWORD, or POSTGRES_PASSWORD_FILE to a file that holds it:
         docker run -e POSTGRES_PASSWORD=... postgres
       POSTGRES_HOST_AUTH_METHOD=trust lets everybody in without one; do not use it.
TEXT
        exit 1
    fi
    if [[ ${POSTGRES_HOST_AUTH_METHOD-} == trust ]]; then
        echo 'Warning: POSTGRES_HOST_AUTH_METHOD=trust lets everybody in without a password.' >&2
    fi
}

# The first start is marked for as long as it lasts, so that the next start knows one that was
# killed. The mark's name holds the folder's inode: in a copy of the folder it says nothing.
unfinished_mark() {
    printf '%s/ontology-hub-unfinished.%s' "$PGDATA" "$(stat --format=%i "$PGDATA")"
}

# One container at a time from the look at the data folder to the end of the first start: another
# one would take the half-made cluster for a killed one's, and remove it.
lock_data() {
    exec 8<"$PGDATA"
    # A file system without locks (some network ones) has to do without; 9 is "held already".
    flock --nonblock --conflict-exit-code 9 8 || [[ $? != 9 ]] ||
        fail "another container is making its first start in $PGDATA"
}

# Only what stands beside this folder's own mark is ever removed: nobody has used it yet.
clear_unfinished() {
    local mark
    mark=$(unfinished_mark)
    [[ -e $mark ]] || return 0
    echo 'The first start in this data folder was not finished; making it again.'
    find "$PGDATA" -mindepth 1 -maxdepth 1 ! -path "$mark" -exec rm --recursive --force '{}' +
}

mark_unfinished() {
    local mark
    mark=$(unfinished_mark)
    [[ -e $mark ]] && return
    [[ -z $(ls --almost-all "$PGDATA") ]] ||
        fail "$PGDATA is not empty and holds no database; mount an empty folder there"
    : >"$mark"
}

mark_finished() {
    # On the disk before the mark is gone, and the mark gone before anybody writes: a power cut
    # must leave neither half a cluster without it nor a used one with it.
    sync "$PGDATA"
    rm "$(unfinished_mark)"
    sync "$PGDATA"
}

create_cluster() {
    local -a options=("--username=$POSTGRES_USER" "--pwfile=/dev/fd/9")
    if [[ -z $POSTGRES_PASSWORD ]]; then
        options=("--username=$POSTGRES_USER")
    fi
    if [[ -n ${POSTGRES_INITDB_WALDIR-} ]]; then
        options+=("--waldir=$POSTGRES_INITDB_WALDIR")
    fi
    # xargs reads the quotes of POSTGRES_INITDB_ARGS as a shell would, and runs nothing in it.
    local -a extra=()
    mapfile -t extra < <(xargs --no-run-if-empty printf '%s\n' <<<"${POSTGRES_INITDB_ARGS-}")
    # The password goes through a pipe: it is in no argument list and in no file.
    # In a folder of its own, since it refuses one that holds the mark.
    local new=$PGDATA/ontology-hub-initdb
    initdb --pgdata="$new" "${options[@]}" "${extra[@]}" 9< <(printf '%s\n' "$POSTGRES_PASSWORD")
    chmod --reference="$new" "$PGDATA"
    find "$new" -mindepth 1 -maxdepth 1 -exec mv --target-directory="$PGDATA" '{}' +
    rmdir "$new"

    local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}
    printf '\n# The entrypoint: every other host has to authenticate.\nhost all all all %s\n' \
        "$method" >>"$PGDATA/pg_hba.conf"
}

# The one way to the temporary server: over the socket, as the superuser, first error ends it.
run_sql() {
    psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 \
        --host=/var/run/postgresql --username="$POSTGRES_USER" "$@"
}

create_database() {
    # `postgres` is there from the start; a name that is taken already is not an error either.
    [[ $POSTGRES_DB != postgres ]] || return 0
    run_sql --dbname=postgres --set=name="$POSTGRES_DB" <<'SQL'
SELECT format('CREATE DATABASE %I', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SQL
}

run_init_files() {
    local file
    # An unreadable folder would look like an empty one, and the database would lack its content.
    [[ -r $INIT_FOLDER && -x $INIT_FOLDER ]] || fail "uid $(id -u) cannot read $INIT_FOLDER"
    for file in "$INIT_FOLDER"/*; do
        case $file in
        *.sh)
            if [[ -x $file ]]; then
                echo "$0: running $file"
                "$file"
            else
                # Not executable: read into this shell, which is what the public image does too.
                echo "$0: sourcing $file"
                # shellcheck disable=SC1090
                . "$file"
            fi
            ;;
        *.sql)
            echo "$0: running $file"
            run_sql --dbname="$POSTGRES_DB" --file="$file"
            ;;
        *.sql.gz)
            echo "$0: running $file"
            gunzip --stdout "$file" | run_sql --dbname="$POSTGRES_DB"
            ;;
        "$INIT_FOLDER/*") ;; # the folder is empty
        *) echo "$0: ignoring $file" ;;
        esac
    done
}

first_start() {
    check_settings
    mark_unfinished
    create_cluster
    # Sockets only: nobody outside may take this server for the finished one. The arguments after
    # `postgres` belong to it too, since init files may depend on them.
    local arguments
    arguments=$(printf '%q ' "$@" -c "listen_addresses=" -p "${PGPORT:-5432}")
    # Clients are the superuser's while this server runs; outside, PGUSER may mean another.
    PGUSER=$POSTGRES_USER pg_ctl --pgdata="$PGDATA" --options="$arguments" --wait start
    create_database
    run_init_files
    PGUSER=$POSTGRES_USER pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
    mark_finished
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

main() {
    # `docker run IMAGE -c max_connections=9` means the server's options.
    if [[ $# == 0 || ${1-} == -* ]]; then
        set -- postgres "$@"
    fi
    if [[ $1 != postgres ]]; then
        exec "$@"
    fi
    local argument
    for argument in "$@"; do
        case $argument in
        -'?' | --help | --describe-config | -V | --version) exec "$@" ;;
        esac
    done

    prepare_folders
    if [[ $(id -u) == 0 ]]; then
        exec gosu postgres "$0" "$@"
    fi
    lock_data
    clear_unfinished
    if [[ -s $PGDATA/PG_VERSION ]]; then
        printf '\nPostgreSQL Database directory appears to contain a database; '
        printf 'Skipping initialization\n\n'
    else
        read_setting POSTGRES_PASSWORD
        read_setting POSTGRES_USER postgres
        read_setting POSTGRES_DB "$POSTGRES_USER"
        read_setting POSTGRES_INITDB_ARGS
        first_start "${@:2}"
    fi
    exec 8<&- # the lock
    # The server needs none of these, and its environment can be read by every backend's user.
    exec env -u POSTGRES_PASSWORD "$@"
}

main "$@"
