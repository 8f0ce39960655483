#!/bin/sh
# Runs over several processes as their users start them: under the real torchrun with a rank that is killed and one that fails,
# under the variables of srun, mpirun and Kubeflow, and on two "machines" (network namespaces, where this may make them) whose line
# is cut. Says what it saw, and fails where that is not what docs/scale.md tells.
set -eu
cd "$(dirname "$0")/.."

say() { echo "processes: $*"; }

fail() {
  echo "processes: $*" >&2
  exit 1
}

swift build -c release --product kindred
kindred=$PWD/.build/release/kindred
PYTHONPATH=$(Scripts/setup-python.sh)
export PYTHONPATH
work=$(mktemp -d)
cleanup() {
  for name in kindred-a kindred-b; do ip netns del $name 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

cat >plain.yaml <<'END'
data: {set: textures, train_images: 160, test_images: 40}
student: {network: resnet-8}
training: {epochs: 3, batch_size: 32, threads: 1, optimizer: {name: sgd, learning_rate: 0.02}}
END
printf 'extends: plain.yaml\ntraining: {epochs: 1}\n' >teacher.yaml
printf 'extends: plain.yaml\nteacher: {config: teacher.yaml}\nlosses: {kd: {}, sp: {weight: auto}}\n' >student.yaml
printf 'extends: student.yaml\ntraining: {epochs: 100}\n' >long.yaml
"$kindred" train teacher.yaml --quiet >/dev/null

# Whether a log holds some words.
expect() {
  if grep -qF "$2" "$1"; then
    say "$3: $2"
  else
    fail "$3: expected '$2', found: $(tail -n 5 "$1")"
  fi
}

# The process ids of the ranks that were started here.
ranks() {
  for id in $(pgrep -x kindred); do
    if [ "$(readlink "/proc/$id/cwd")" = "$work" ]; then echo "$id"; fi
  done
}

torchrun() { python3 -W ignore -m torch.distributed.run --standalone --no-python --nproc-per-node 2 "$@"; }

torchrun "$kindred" distill student.yaml --out torchrun >log 2>&1 || fail "torchrun: $(tail -n 3 log)"
expect log "2 processes on this machine (torchrun)" torchrun

torchrun --max-restarts 2 "$kindred" distill long.yaml --out killed >log 2>&1 &
agent=$!
while [ ! -e killed/checkpoint.safetensors ]; do sleep 0.2; done
sleep 1
kill -KILL "$(ranks | tail -n 1)"
wait $agent || fail "torchrun with a killed rank: $(tail -n 3 log)"
expect log "rank 1 of 2 does not answer any more" "torchrun, a killed rank"
expect log "resumed after epoch" "torchrun, a killed rank"

if torchrun "$kindred" distill student.yaml --out torchrun >log 2>&1; then fail "a refusal has ended well"; fi
expect log "holds this run already, finished" "torchrun, a refusal"

# As many processes as variables are given, each a list of NAME=VALUE.
together() {
  out=$1
  shift
  number=0
  for variables in "$@"; do
    # shellcheck disable=SC2086 # A list of variables.
    env $variables "$kindred" distill student.yaml --out "$out" >"log.$number" 2>&1 &
    number=$((number + 1))
  done
  wait
}

together slurm "SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_JOB_NODELIST=localhost SLURM_JOB_ID=4321" \
  "SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_JOB_NODELIST=localhost SLURM_JOB_ID=4321"
expect log.0 "2 processes on this machine (Slurm)" srun
expect log.0 "weights: slurm/weights.safetensors" srun

mpi="OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_SIZE=2 MASTER_PORT=29777"
together mpi "OMPI_COMM_WORLD_RANK=0 $mpi" "OMPI_COMM_WORLD_RANK=1 $mpi"
expect log.0 "2 processes on this machine (Open MPI)" mpirun

pods="PET_NNODES=2 PET_NPROC_PER_NODE=2 PET_MASTER_ADDR=localhost PET_MASTER_PORT=29778"
together pods "PET_NODE_RANK=0 $pods" "PET_NODE_RANK=1 $pods"
expect log.0 "4 processes on this machine" "Kubeflow, two pods of two"

if ! ip netns add kindred-a 2>/dev/null; then
  say "network namespaces cannot be made here; two machines were not tried"
  exit 0
fi
ip netns add kindred-b
ip link add kindred-va type veth peer name kindred-vb
ip link set kindred-va netns kindred-a
ip link set kindred-vb netns kindred-b
ip -n kindred-a addr add 10.99.0.1/24 dev kindred-va
ip -n kindred-b addr add 10.99.0.2/24 dev kindred-vb
for side in a b; do
  ip -n kindred-$side link set lo up
  ip -n kindred-$side link set kindred-v$side up
done

# One rank on one of the machines.
on() {
  ip netns exec "kindred-$1" env RANK="$2" WORLD_SIZE=2 MASTER_ADDR=10.99.0.1 MASTER_PORT=29500 "$kindred" distill "$3" \
    --out "$4" --process-timeout 8 >"log.$2" 2>&1
}

on a 0 student.yaml machines &
on b 1 student.yaml machines &
wait
expect log.0 "weights: machines/weights.safetensors" "two machines"

on a 0 long.yaml cut &
on b 1 long.yaml cut &
while [ ! -e cut/checkpoint.safetensors ]; do sleep 0.2; done
ip -n kindred-a link set kindred-va down
wait
expect log.0 "rank 1 of 2 does not answer any more" "a cut line, rank 0"
expect log.1 "does not answer any more" "a cut line, rank 1"
