#!/bin/sh
# The two commands of the README on a minimal Debian: a root of its own, with nothing but what the
# README asks for. As root, with debootstrap; the network is used as this machine does.
#
#   tests/bare.sh ROOT [COMMAND]...      ROOT is made when missing; by default: make demo, make test
set -eu
root=$1
shift
[ $# -gt 0 ] || set -- "make demo" "make test"

[ -e "$root/usr/bin/make" ] ||
  debootstrap --variant=minbase \
    --include=python3,python3-venv,make,ca-certificates,git "${SUITE:-bookworm}" "$root"

# how this machine reaches its package sources
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
  [ ! -e "$file" ] || cp -L "$file" "$root$file"
done
pass=$(env | grep -E '^(PIP_|SSL_CERT_|[A-Za-z]+_proxy=|[A-Z]+_PROXY=)' | tr '\n' ' ')

mkdir -p "$root/root/pystamps-hpc"
git ls-files -z | tar --null --files-from=- -cf - | tar -xf - -C "$root/root/pystamps-hpc"

trap 'umount -l "$root/proc" "$root/dev/shm"' EXIT
mkdir -p "$root/dev/shm"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev/shm"
for command in "$@"; do
  echo "bare: $command"
  # shellcheck disable=SC2086
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    $pass sh -c "cd /root/pystamps-hpc && $command"
done
