#!/bin/sh
# mpirun of the image. It needs a directory for the files of its job; on many clusters TMPDIR is one
# that belongs to the batch job, and inside it is seen only where it was bound.
if [ -n "${TMPDIR:-}" ] && ! { [ -d "$TMPDIR" ] && [ -w "$TMPDIR" ]; }; then
  echo "TMPDIR=$TMPDIR cannot be written in this container (not bound?): using /tmp" >&2
  export TMPDIR=/tmp
fi
here=$(dirname "$0")
exec "$here/../bin/$(basename "$0")" "$@"
