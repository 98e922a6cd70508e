#!/usr/bin/env bash
# The engine's training step beside eager libtorch's, step after step in turn: what else the machine
# does hits both alike. Ratios are of neighbouring steps, and their median is what counts.
# bench/torch.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-7}
threads=$(nproc)
# As the program sets it: waiting threads that spin would count as work.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}

pipes=$(mktemp -d)
trap 'rm -rf "$pipes"' EXIT
mkfifo "$pipes"/{own,torch}-{in,out}
build/release/engine_bench --steps <"$pipes/own-in" >"$pipes/own-out" &
build/release/torch_step 8 400 400 "$threads" <"$pipes/torch-in" >"$pipes/torch-out" &
exec {own_in}>"$pipes/own-in" {own_out}<"$pipes/own-out" {torch_in}>"$pipes/torch-in" {torch_out}<"$pipes/torch-out"

read -r line <&"$own_out"
echo "engine   $line"
read -r line <&"$torch_out"
echo "libtorch $line"
echo "resnet_50, training step 400x400 batch 8, fp32, $threads threads, load $(cut -d' ' -f1 /proc/loadavg); seconds by the clock (processor):"
for ((i = 0; i < rounds; ++i)); do
  echo >&"$own_in"
  read -r own own_work <&"$own_out"
  echo >&"$torch_in"
  read -r torch torch_work <&"$torch_out"
  echo "$own $own_work $torch $torch_work" >>"$pipes/rounds"
  tail -n 1 "$pipes/rounds" | awk '{ printf "  engine %6.2f (%6.2f)   libtorch %6.2f (%6.2f)   ratio %.2f (%.2f)\n", $1, $2, $3, $4, $1 / $3, $2 / $4 }'
done
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
echo "median ratio: $(awk '{ print $1 / $3 }' "$pipes/rounds" | median) by the clock, $(awk '{ print $2 / $4 }' "$pipes/rounds" | median) by processor time (load $(cut -d' ' -f1 /proc/loadavg)); aim: at most 0.55"
