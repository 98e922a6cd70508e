#!/usr/bin/env bash
# ./run bench train: whole training steps (recipe dlc: loading, augmentation, update), ours beside those
# of DeepLabCut's TensorFlow engine where a Python that has it is named.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
Usage: ./run bench train [PROJECT] [--dlc PYTHON] [--only NETWORK] [--batch N] [--threads N]

  PROJECT        a DeepLabCut project with labelled pictures (default: ../shared/data/projects/openfield-pranav)
  --dlc PYTHON   a Python with DeepLabCut 3 and TensorFlow, measured in the same run
  --only NETWORK resnet_50, mobilenet_v2_1.0 or mobilenet_v2_0.35; default: all three
  --batch N      1 or 8; default: both
  --threads N    default: all cores
TEXT
}

project=../shared/data/projects/openfield-pranav dlc='' only='' only_batch='' threads=$(nproc)
while [ $# -gt 0 ]; do
  case $1 in
    --dlc | --only | --batch | --threads)
      [ $# -gt 1 ] || { echo "bench train: $1 needs a value" >&2; exit 2; }
      case $1 in
        --dlc) dlc=$2 ;;
        --only) only=$2 ;;
        --batch) only_batch=$2 ;;
        --threads) threads=$2 ;;
      esac
      shift 2
      ;;
    -h | --help) usage && exit ;;
    -*) usage >&2 && exit 2 ;;
    *) project=$1 && shift ;;
  esac
done
case $only in '' | resnet_50 | mobilenet_v2_1.0 | mobilenet_v2_0.35) ;; *) usage >&2 && exit 2 ;; esac
if [ ! -f "$project/config.yaml" ]; then
  echo "bench train: skipped, no DeepLabCut project at $project (name one: ./run bench train PROJECT)"
  exit
fi
program=build/release/poseheir
# As the program sets it: waiting threads that spin would take the loader's core.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# prepare FOLDER: a copy of the project without its videos and models.
prepare() {
  mkdir "$1"
  cp -rL "$project/labeled-data" "$project/config.yaml" "$1"
  chmod -R u+w "$1"
  sed -i '/^engine:/d' "$1/config.yaml"
}

set_keys() {  # FILE KEY VALUE…: values of top-level keys
  local file=$1
  shift
  while [ $# -gt 1 ]; do
    sed -i "s|^$1:.*|$1: $2|" "$file"
    shift 2
  done
}

# model FOLDER NETWORK SHUFFLE SCALE: prints its pose_cfg.yaml. All steps of a model have one size, and
# both programs start from the same snapshot.
model() {
  local folder=$1 network=$2 shuffle=$3 scale=$4 config
  $program create-training-dataset "$folder" --net-type "$network" --shuffle "$shuffle" --quiet >/dev/null
  config=$(echo "$folder"/dlc-models/*/*"shuffle$shuffle"/train/pose_cfg.yaml)
  set_keys "$config" global_scale "$scale" scale_jitter_lo 1 scale_jitter_up 1
  # Random weights do not bear DeepLabCut's rate; how long a step takes does not depend on it.
  sed -i 's/^- - 0.005$/- - 0.0000001/' "$config"
  $program train "$config" --recipe dlc --init random --maxiters 1 --eval-iters 0 --run-name start --quiet >/dev/null
  set_keys "$config" init_weights "$(dirname "$config")/runs/start/snapshot-1"
  echo "$config"
}

ours() { build/release/train_bench "$1" --started "$EPOCHREALTIME" --batch "$2" --warm-up "$3" --steps "$4" --threads "$threads" "${@:5}"; }

theirs() {
  set_keys "$1" batch_size "$2"
  env TF_NUM_INTRAOP_THREADS="$threads" TF_NUM_INTEROP_THREADS="$threads" OMP_NUM_THREADS="$threads" \
    "$dlc" bench/train_deeplabcut.py "$1" "$EPOCHREALTIME" "$3" "$4" 2>"$scratch/deeplabcut.log" ||
    { tail -n 5 "$scratch/deeplabcut.log" >&2 && return 1; }
}

# row NAME OURS THEIRS AIM MEMORY_AIM: OURS and THEIRS are 'seconds start memory' (THEIRS may be empty).
row() {
  awk -v name="$1" -v aim="$4" -v memory_aim="$5" -v ours="$2" -v theirs="$3" 'BEGIN {
    split(ours, o, " ")
    there = split(theirs, t, " ")
    ratio = there ? o[1] / t[1] : 0
    printf "%-42s %9.1f %9s %6s %6s %-4s %7.0f %7s %6s %-4s %6.1f %7s\n", name, o[1] * 1000,
      there ? sprintf("%.1f", t[1] * 1000) : "-", there ? sprintf("%.2f", ratio) : "-", aim,
      there && aim != "-" ? (ratio <= aim ? "yes" : "NO") : "", o[3], there ? sprintf("%.0f", t[3]) : "-",
      memory_aim, memory_aim != "-" ? (o[3] < memory_aim ? "yes" : "NO") : "", o[2], there ? sprintf("%.1f", t[2]) : "-"
  }'
}

# measure NETWORK BATCH SIZE FOLDER SCALE WARM_UP STEPS AIM_FP32 AIM_BF16 AIM_FREEZE MEMORY_AIM
shuffle=0
measure() {
  local network=$1 batch=$2 size=$3 folder=$4 scale=$5 warm_up=$6 steps=$7 config there=''
  [ -z "$only" ] || [ "$only" = "$network" ] || return 0
  [ -z "$only_batch" ] || [ "$only_batch" = "$batch" ] || return 0
  shuffle=$((shuffle + 1))
  config=$(model "$folder" "$network" $shuffle "$scale")
  [ -z "$dlc" ] || there=$(theirs "$config" "$batch" "$warm_up" "$steps")
  last_config=$config
  local name="$network, $size, batch $batch"
  row "$name, fp32" "$(ours "$config" "$batch" "$warm_up" "$steps")" "$there" "$8" "${11}"
  if grep -qw avx512f /proc/cpuinfo; then
    row "  bf16" "$(ours "$config" "$batch" "$warm_up" "$steps" --bf16)" "$there" "$9" "${11}"
  fi
  row "  fp32, --freeze base" "$(ours "$config" "$batch" "$warm_up" "$steps" --freeze-base)" "$there" "${10}" "${11}"
  if grep -qw avx512f /proc/cpuinfo; then
    row "  bf16, --freeze base" "$(ours "$config" "$batch" "$warm_up" "$steps" --freeze-base --bf16)" "$there" "${10}" "${11}"
  fi
}

prepare "$scratch/project"
prepare "$scratch/squares"
find "$scratch/squares/labeled-data" -name '*.png' -exec build/release/train_bench crop 400 {} +
echo "training steps by the clock (medians), $threads threads, load $(cut -d' ' -f1 /proc/loadavg); pictures of $project${dlc:+; DeepLabCut of $dlc}"
printf '%-42s %9s %9s %6s %6s %-4s %7s %7s %6s %-4s %6s %7s\n' '' 'ours, ms' theirs ratio aim '' MB theirs aim '' 'first' theirs
# Small networks: more than the batches that either program prepares ahead, so that loading counts.
measure resnet_50 1 'scale 0.8' "$scratch/project" 0.8 4 10 1 0.5 0.333 800
measure resnet_50 8 '400x400' "$scratch/squares" 1 2 5 1 0.5 - 2500
measure mobilenet_v2_1.0 1 'scale 0.8' "$scratch/project" 0.8 25 20 0.45 0.3 - -
measure mobilenet_v2_1.0 8 'scale 0.8' "$scratch/project" 0.8 10 12 0.6 0.4 - -
measure mobilenet_v2_0.35 1 'scale 0.8' "$scratch/project" 0.8 25 20 0.3 0.25 - -
measure mobilenet_v2_0.35 8 'scale 0.8' "$scratch/project" 0.8 20 15 0.5 0.35 - -
for recipe in dlc fast; do
  # A picture of each model in turn would be the same: what it takes does not depend on the network.
  awk -v recipe=$recipe '{ printf "loading, recipe %s: %.1f ms of processor time a picture\n", recipe, $1 }' \
    <<<"$(build/release/train_bench loader "$last_config" --recipe $recipe --steps 400)"
done
echo "first: seconds from the start of the process to the end of the first step (aim: below 2)"
