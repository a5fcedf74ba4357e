#!/bin/sh
# Runs inside the new Debian (chroot), after its apt sources and the host's certificates were put
# in place: takes the security updates and removes what no container needs.
set -eu
export DEBIAN_FRONTEND=noninteractive

# Packages must not start their daemons while an image is built.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

# Before apt: the mirror itself may be reached through a proxy that signs with its own certificate.
update-ca-certificates

apt-get update
apt-get -y upgrade
apt-get clean

rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old \
    /var/log/* /tmp/* /var/tmp/* /usr/share/man /usr/share/info /usr/share/lintian
find /usr/share/doc -mindepth 2 ! -name copyright -type f -delete
find /usr/share/doc -type l -delete
find /usr/share/doc -type d -empty -delete
find /usr/share/locale -mindepth 1 -maxdepth 1 ! -name locale.alias -exec rm -rf {} +

# The engine writes these at each start; what debootstrap copied from the host must not stay.
rm -f /etc/hostname /etc/resolv.conf
: >/etc/machine-id
