#!/usr/bin/env bash
# complete.sh ROOT WORD…: what bash would offer for the last word (NOTHING: an empty one).
PATH=$1/bin:$PATH
source "$1/share/bash-completion/completions/poseheir"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[ "${COMP_WORDS[COMP_CWORD]}" != NOTHING ] || COMP_WORDS[COMP_CWORD]=
_poseheir
echo "${COMPREPLY[@]}"
