#!/usr/bin/env bash
# ./run bench [NAME]: runs one benchmark, or all. Figures and what they mean: docs/performance.md.
set -euo pipefail
cd "$(dirname "$0")/.."
program=build/release/poseheir

startup() {
  echo "start-up, milliseconds of 50 starts:"
  for arguments in "--version" "inspect --help" "train --help"; do
    local start=$EPOCHREALTIME
    for _ in $(seq 50); do $program $arguments >/dev/null; done
    awk -v a="$start" -v b="$EPOCHREALTIME" -v what="$arguments" 'BEGIN { printf "  %-16s %5.1f\n", what, (b - a) * 1000 / 50 }'
  done
}
engine() {
  build/release/engine_bench "$@"
  torch
}
torch() {
  if cmake --build build/release --target torch_step >build/torch-step.log 2>&1; then
    bench/torch.sh "$@"
  elif grep -q 'unknown target' build/torch-step.log; then
    echo "no libtorch here: Debian's libtorch-dev, or a folder in -DPOSEHEIR_TORCH, adds a comparison"
  else
    cat build/torch-step.log >&2
    return 1
  fi
}
train() { bench/train.sh "$@"; }
ablate() { build/release/ablate_bench "$@"; }
transfer() { bench/transfer.sh "$@"; }
checkpoint() { build/release/checkpoint_bench "${1:-build/bench-checkpoint}"; }

case ${1:-all} in
  startup | engine | torch | train | ablate | transfer | checkpoint) "$@" ;;
  all)
    startup
    transfer
    checkpoint
    engine
    train
    ;;
  *)
    echo "bench: unknown '$1'; known: startup, transfer, checkpoint, engine, torch, train, ablate" >&2
    exit 2
    ;;
esac
