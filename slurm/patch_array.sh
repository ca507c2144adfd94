#!/usr/bin/env bash
# pystamps-hpc without MPI between nodes: stages 1-5 as an array job over the patches, then, after
# all of them succeeded, merge and stages 6-8 as one job. Edit DATASET and IMAGE, then, on a login
# node: bash patch_array.sh
#SBATCH --job-name=pystamps
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=2G
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@180
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=pystamps-%j.log
DATASET=${DATASET:-/path/to/dataset} # StaMPS directory (PATCH_*, patch.list, parms.mat)
IMAGE=${IMAGE:-}                     # Apptainer image; empty: pystamps-hpc from the PATH

# Also taken from the environment: START END (stages), CONFIG (file), EXTRA (more options of run),
# TASKS (size of the array; by default one task per patch, at most 100), SBATCH_OPTIONS (more
# options of sbatch, for both jobs), CONTAINER (program instead of apptainer), CONTAINER_OPTIONS
# (more options of its exec), MAX_RESTARTS (how often a job that reached its time limit is started
# again, by default 20).
set -euo pipefail

export DATASET IMAGE
DATASET=$(realpath "$DATASET")
START=${START:-1} END=${END:-8}

# The patches in processing order, as pystamps-hpc finds them.
if [ -f "$DATASET/patch.list" ]; then
  mapfile -t patches < <(tr -d '\r' <"$DATASET/patch.list" | awk '$1 != "" && $1 !~ /^#/ { print $1 }')
else
  mapfile -t patches < <(cd "$DATASET" && find -L . -maxdepth 1 -type d -name 'PATCH_*' -printf '%f\n' | sort -V)
fi

# On the login node: submit this script twice, once for each part.
if [ -z "${PYSTAMPS_PART:-}" ]; then
  [ -z "${SLURM_JOB_ID:-}" ] || { echo "this submits jobs: run it outside of one" >&2; exit 2; }
  [ "${#patches[@]}" -gt 0 ] || { echo "no PATCH_* directory under $DATASET" >&2; exit 3; }
  tasks=${TASKS:-${#patches[@]}}
  [ "$tasks" -le 100 ] || [ -n "${TASKS:-}" ] || tasks=100
  [ "$tasks" -le "${#patches[@]}" ] || tasks=${#patches[@]}
  read -r -a options <<<"${SBATCH_OPTIONS:-}"

  submit() {
    echo "sbatch ${*@Q}" >&2
    sbatch --parsable "$@" | cut -d ';' -f 1
  }
  after=()
  if [ "$START" -le 5 ]; then
    array=$(submit "${options[@]}" --export=ALL,PYSTAMPS_PART=patches \
      --array="0-$((tasks - 1))" --output=pystamps-%A_%a.log "$0")
    after=(--dependency="afterok:$array" --kill-on-invalid-dep=yes)
    echo "patches: job $array, ${#patches[@]} patches in $tasks tasks"
  fi
  if [ "$END" -ge 5 ]; then
    merge=$(submit "${options[@]}" --export=ALL,PYSTAMPS_PART=merged "${after[@]}" "$0")
    echo "merge and later: job $merge"
  fi
  exit 0
fi

# In a job: this task's share of the patches, or everything after them.
part=(--part "$PYSTAMPS_PART")
if [ "$PYSTAMPS_PART" = patches ]; then
  mine=()
  for ((i = SLURM_ARRAY_TASK_ID; i < ${#patches[@]}; i += SLURM_ARRAY_TASK_COUNT)); do
    mine+=("${patches[i]}")
  done
  part+=(--patches "$(IFS=,; echo "${mine[*]}")")
  END=$((END < 5 ? END : 5))
else
  START=$((START > 5 ? START : 5))
fi

number=$SLURM_JOB_ID
[ "$PYSTAMPS_PART" != patches ] || number=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}_$SLURM_ARRAY_TASK_ID
report=$SLURM_SUBMIT_DIR/pystamps-$number.json  # beside the log of the same number
[ -z "${CONFIG:-}" ] || CONFIG=$(realpath -m "$CONFIG")
read -r -a extra <<<"${EXTRA:-}"

# One process with all processors of the task: no MPI is started.
command=(srun --mpi=none --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=1)
if [ -n "$IMAGE" ]; then
  # Seen in the image beside home, /tmp and the working directory: the dataset, and where SLURM
  # (TmpFS) and the site (TMPDIR) keep the files of a job. Without TmpFS Open MPI crashes.
  bind=$DATASET,$SLURM_SUBMIT_DIR${CONFIG:+,$CONFIG}
  tmpfs=$(scontrol show config 2>/dev/null | sed -n 's/^TmpFS *= *//p') || true
  case $tmpfs in *%*) tmpfs=${tmpfs%%%*} tmpfs=${tmpfs%/*} ;; esac # another on each node
  for place in "$tmpfs" "${TMPDIR:-}"; do
    case $place/ in
      / | /tmp/* | /var/tmp/*) ;;
      *) [ ! -d "$place" ] || bind+=,$place ;;
    esac
  done
  read -r -a options <<<"${CONTAINER_OPTIONS:-}"
  command+=("${CONTAINER:-apptainer}" exec "${options[@]}" --bind "$bind" "$IMAGE")
fi
command+=(pystamps-hpc)
[ -z "${CONFIG:-}" ] || command+=(--config "$CONFIG")
command+=(run --dataset "$DATASET" --start-step "$START" --end-step "$END" "${part[@]}"
  --report "$report" "${extra[@]}")

echo "${command[@]@Q}"
rm -f "$report"
rc=0
"${command[@]}" >/dev/null || rc=$?
if [ "$rc" = 0 ] && [ ! -s "$report" ]; then
  echo "srun ended with 0 but there is no $report: nothing was run, or it cannot be written" >&2
  rc=1
fi

# Killed for its memory, by the kernel or by SLURM: say what the run was expected to take.
if [ "$rc" = 137 ] ||
  { [ "$rc" != 0 ] && sacct -nP -j "$SLURM_JOB_ID" -o State 2>/dev/null | grep -q OUT_OF_ME; }; then
  expected="not known"
  for plan in "$DATASET"/.pystamps-hpc/runs/*/memory.txt; do
    [ ! -f "$plan" ] || expected=$(<"$plan")
  done
  echo "killed, it seems for its memory: ask for more, or cut smaller patches; $expected" >&2
fi

# 75: stopped in good order because the time limit is near; the next start goes on from there.
# The report has the last word: when ranks end some milliseconds apart, --kill-on-bad-exit kills
# the later ones and srun tells of that.
if [ "$rc" = 75 ] || { [ "$rc" != 0 ] && grep -qs '^  "exit_code": 75' "$report"; }; then
  if [ "${SLURM_RESTART_COUNT:-0}" -lt "${MAX_RESTARTS:-20}" ]; then
    scontrol requeue "$SLURM_JOB_ID" || true
  else
    echo "not requeued: started again $SLURM_RESTART_COUNT times already (MAX_RESTARTS)" >&2
  fi
fi
exit "$rc"
