#!/bin/sh
# Installs /build/requirements.txt (with the pins of /build/constraints.txt) while an image is built.
#
# /build/machine is .hub/build, mounted for that step only: it brings this machine's pip settings
# (pip.conf) and extra CA certificates (ca/*.crt), as needed behind a company's proxy. Neither stays
# in the image.
set -eu

if [ -f /build/machine/pip.conf ]; then
    export PIP_CONFIG_FILE=/build/machine/pip.conf
fi
bundle=$(mktemp)
trap 'rm -f "$bundle"' EXIT
if ls /build/machine/ca/*.crt >/dev/null 2>&1; then
    cat /etc/ssl/certs/ca-certificates.crt /build/machine/ca/*.crt >"$bundle"
    export PIP_CERT="$bundle"
fi
pip install --disable-pip-version-check --root-user-action=ignore \
    --requirement /build/requirements.txt --constraint /build/constraints.txt
