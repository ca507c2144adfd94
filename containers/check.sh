#!/bin/sh
# Check an installed pystamps-hpc: version, kernels, a small simulated dataset on one process and,
# with the mpirun beside it, on two ranks.
#
#   check.sh yes|no      yes: SNAPHU is there and unwraps it once more
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Two ranks on any machine, as any user; not a task of the job this may run in.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=^ofi,uct,openib
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export PRTE_MCA_hwloc_default_binding_policy=none
for name in $(env | sed -n 's/^\(\(SLURM\|PMI\|PMIX\)_[A-Z_0-9]*\)=.*/\1/p'); do unset "$name"; done

pystamps-hpc --version
pystamps-hpc describe-backends >"$work/backends.json"
grep -q '"native"' "$work/backends.json"
pystamps-hpc simulate "$work/one" --candidates 1500 --images 6 >/dev/null
cp -r "$work/one" "$work/two"
native="--native-only --backend native --stage2-kernel-backend native"
run() { # DATASET [LAUNCHER...]
  dataset=$1
  shift
  # shellcheck disable=SC2086
  "$@" pystamps-hpc --quiet run --dataset "$dataset" $native --report "$dataset.json"
}
run "$work/one" >/dev/null
run "$work/two" mpirun -n 2 >/dev/null
grep -q '"size": 2' "$work/two.json"
for file in $(cd "$work/one" && find . -name '*.mat'); do
  cmp "$work/one/$file" "$work/two/$file"
done
if [ "$1" = yes ]; then
  echo '{"runtime": {"stage6_solver": "snaphu"}}' >"$work/snaphu.json"
  pystamps-hpc --config "$work/snaphu.json" --quiet run --dataset "$work/one" --start-step 6 --force >/dev/null
fi
echo "pystamps-hpc: stages 1-8 complete, the same bytes on one process and on two ranks"
