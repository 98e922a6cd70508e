#!/bin/bash
# A ResNet-50 with 39 keypoints into a project with 4: time beside a warm `cp` of the same file, heap,
# and the start of the program. ./run bench transfer [ROUNDS]
set -euo pipefail
build=$(cd "$(dirname "$0")/.." && pwd)/build/release
rounds=${1:-15}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/a" "$work/c" "$work/copy"

"$build/make_model" resnet_50 39 "$work/a/snapshot-700000"
{
  printf 'net_type: resnet_50\nnum_joints: 4\nlocation_refinement: true\ninit_weights: x\n'
  printf 'all_joints_names: [nose, left_earbase, right_earbase, tail_base]\n'
} >"$work/c/pose_cfg.yaml"
data=$work/a/snapshot-700000.data-00000-of-00001
printf 'model A: %s bytes, %s rounds, medians\n' "$(stat -c %s "$data")" "$rounds"

microseconds() { # that a command takes, without its output
  local start end
  start=$(date +%s%N)
  "$@" >/dev/null 2>&1
  end=$(date +%s%N)
  echo $(((end - start) / 1000))
}
median() { sort -n | awk '{v[NR] = $1} END {printf "%.1f ms", v[int((NR + 1) / 2)] / 1000}'; }

copy() { cp "$data" "$work/copy/file"; }
synced_copy() { cp "$data" "$work/copy/file" && sync "$work/copy/file"; }
transfer() {
  "$build/poseheir" transfer --from "$work/a/snapshot-700000" --to "$work/c/pose_cfg.yaml" --overwrite
}
for what in copy synced_copy transfer; do
  $what >/dev/null 2>&1 # warm
  for _ in $(seq "$rounds"); do
    rm -f "$work/copy/file" "$work"/c/snapshot-0.*
    microseconds $what
  done >"$work/$what.times"
  printf '%-12s %s\n' "$what" "$(median <"$work/$what.times")"
done
for _ in $(seq "$rounds"); do microseconds "$build/poseheir" inspect --help; done >"$work/start.times"
printf '%-12s %s\n' start "$(median <"$work/start.times")"

if command -v valgrind >/dev/null; then
  valgrind --tool=massif --massif-out-file="$work/massif" "$build/poseheir" transfer \
    --from "$work/a/snapshot-700000" --to "$work/c/pose_cfg.yaml" --overwrite >/dev/null 2>&1
  awk -F= '/^mem_heap_B/ && $2 > peak {peak = $2} END {printf "heap         %.1f MB at its peak\n", peak / 1e6}' \
    "$work/massif"
else
  echo 'heap         not measured: needs valgrind'
fi
