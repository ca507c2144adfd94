#!/bin/sh
# Install pystamps-hpc from /opt/source into /opt/pystamps-hpc, with the versions and hashes of the
# lock file. Both definition files and the Dockerfile call this inside the image.
#
#   [EXTRAS=A,B] [REQUIREMENTS=C] [SNAPSHOT=ADDRESS] [SOURCE_DATE_EPOCH=SECONDS]
#   [KERNELS=yes|no] install.sh openmpi|mpich yes|no
#
# yes: with SNAPHU and Triangle. EXTRAS: of pystamps-hpc. REQUIREMENTS: one more package.
# SNAPSHOT: address of a kept state of the Debian archive. SOURCE_DATE_EPOCH: time of every file that is written here.
# KERNELS=no: nothing is compiled ahead.
set -eu
mpi=$1 unwrap=$2
source=/opt/source target=/opt/pystamps-hpc

case $mpi in openmpi | mpich) ;; *) echo "MPI=$mpi: use openmpi or mpich" >&2; exit 2 ;; esac
case $unwrap in
  yes) extras=$mpi,unwrap ;;
  no) extras=$mpi ;;
  *) echo "WITH_UNWRAP=$unwrap: use yes or no" >&2; exit 2 ;;
esac
extras=$extras${EXTRAS:+,$EXTRAS}
case ${SOURCE_DATE_EPOCH:-} in
  "") unset SOURCE_DATE_EPOCH ;;
  *[!0-9]*) echo "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH: seconds since 1970" >&2; exit 2 ;;
  *) export SOURCE_DATE_EPOCH ;;
esac

# A base that was made by root cannot be changed by the user who builds.
if ! [ -w /usr/bin ] || ! [ -w /opt ]; then
  echo "the base cannot be written by user $(id -u): chown -R it to who builds, build as root, or" \
    "use an image file (.sif) as base" >&2
  exit 2
fi

# libgomp: the threads of the kernels. The rest only where the base has no Python of its own.
export DEBIAN_FRONTEND=noninteractive
packages=libgomp1
python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  packages="$packages python3-venv ca-certificates"
if [ -n "${SNAPSHOT:-}" ]; then
  # shellcheck disable=SC1091
  . /etc/os-release
  rm -f /etc/apt/sources.list.d/*
  for suite in "$VERSION_CODENAME" "$VERSION_CODENAME-updates"; do
    echo "deb $SNAPSHOT $suite main"
  done >/etc/apt/sources.list
  echo 'Acquire::Check-Valid-Until "false";' >/etc/apt/apt.conf.d/90snapshot
fi
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $packages
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/aux-cache /var/log/apt /var/log/dpkg.log

# Of the lock file that which the extras need, each with the hashes it must have; then the package.
python3 -m venv "$target"
pip="$target/bin/pip"
scratch=$(mktemp -d) # /tmp itself may be the host's
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
sed -n 's/^\([a-zA-Z0-9._-]*==[^\\]*\).*/\1/p' "$source/requirements.lock" >"$scratch/versions"
PIP_CONSTRAINT="$scratch/versions" "$pip" install --quiet --dry-run --report "$scratch/needed.json" \
  "${source}[${extras}]" setuptools ${REQUIREMENTS:+"$REQUIREMENTS"}
"$target/bin/python" "$source/locked.py" "$scratch/needed.json" "$source/requirements.lock" >"$scratch/locked"
"$pip" install --quiet --no-deps --require-hashes -r "$scratch/locked"
"$pip" install --quiet --no-deps --no-build-isolation "$source"

mkdir -p "$target/share" "$target/cache" "$target/launch"
for name in mpirun mpiexec; do
  [ ! -e "$target/bin/$name" ] || install -m 755 "$source/mpirun.sh" "$target/launch/$name"
done
"$target/bin/python" "$source/bill.py" >"$target/share/sbom.cdx.json"

# Kernels compiled now, for this type of processor; another one compiles its own at the first run.
export PATH="$target/launch:$target/bin:$PATH" HOME="$scratch"
if [ "${KERNELS:-yes}" = yes ]; then
  NUMBA_CACHE_DIR="$target/cache" pystamps-hpc warmup >/dev/null
fi
rm -rf "$source" "$scratch"
chmod -R a+rX "$target"
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
  find "$target" /usr /var/lib /var/cache /etc -xdev -newermt "@$SOURCE_DATE_EPOCH" \
    ! -path /etc/hosts ! -path /etc/resolv.conf -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
fi
