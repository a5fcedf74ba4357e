#!/bin/sh
# Remove from pgAdmin's packages what no dev stack uses: 250 MB of descriptions of cloud services,
# source maps, and sources of translations.
set -eu
packages=$1

# pgAdmin's cloud deployment uses these services only (rds and ec2; sqladmin, compute, projects).
find "$packages/botocore/data" -mindepth 1 -maxdepth 1 -type d \
    ! -name rds ! -name ec2 ! -name sts ! -name sso ! -name sso-oidc -exec rm -rf {} +
find "$packages/googleapiclient/discovery_cache/documents" -type f \
    ! -name 'sqladmin*' ! -name 'compute.v1*' ! -name 'cloudresourcemanager*' -delete

find "$packages/pgadmin4" \( -name '*.map' -o -name '*.po' -o -name '*.pot' \) -delete
find "$packages" -type d \( -name tests -o -name test \) -path "$packages/pgadmin4/*" -prune \
    -exec rm -rf {} +

# Every picture of the manual is there twice; its pages show the ones in _images.
manual=$packages/pgadmin4/docs/en_US/_build/html
for picture in "$manual"/_images/*.png; do
    rm -f "$manual/_static/${picture##*/}"
done
