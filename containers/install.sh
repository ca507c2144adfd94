#!/bin/sh
# Install pystamps-hpc from /opt/source into /opt/pystamps-hpc, with the versions of the lock file.
# Both definition files and the Dockerfile call this inside the image.
#
#   [EXTRAS=A,B] [REQUIREMENTS=C] install.sh openmpi|mpich yes|no BUILD
#
# yes: with SNAPHU and Triangle. BUILD: name of this build, for its cache of compiled kernels.
# EXTRAS: of pystamps-hpc. REQUIREMENTS: one more package.
set -eu
mpi=$1 unwrap=$2 build=$3
source=/opt/source target=/opt/pystamps-hpc

case $mpi in openmpi | mpich) ;; *) echo "MPI=$mpi: use openmpi or mpich" >&2; exit 2 ;; esac
case $unwrap in
  yes) extras=$mpi,unwrap ;;
  no) extras=$mpi ;;
  *) echo "WITH_UNWRAP=$unwrap: use yes or no" >&2; exit 2 ;;
esac
extras=$extras${EXTRAS:+,$EXTRAS}

# libgomp: the threads of the kernels. The rest only where the base has no Python of its own.
export DEBIAN_FRONTEND=noninteractive
packages=libgomp1
python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  packages="$packages python3-venv ca-certificates"
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $packages
rm -rf /var/lib/apt/lists/*

python3 -m venv "$target"
# the versions of the lock file also hold for what builds the package
export PIP_CONSTRAINT=$source/requirements.lock PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
"$target/bin/pip" install --quiet "${source}[${extras}]" ${REQUIREMENTS:+"$REQUIREMENTS"}

# Kernels compiled now, for this type of processor; another one compiles its own at the first run.
mkdir -p "$target/share" "$target/cache/$build"
cp "$source/check.sh" "$target/share/check.sh"
export PATH="$target/bin:$PATH" HOME=/root NUMBA_CACHE_DIR="$target/cache/$build"
pystamps-hpc warmup >/dev/null || echo "no warm-up: some kernels will be compiled when first used" >&2
sh -e "$target/share/check.sh" "$unwrap"
chmod -R a+rX "$target"
rm -rf "$source"
