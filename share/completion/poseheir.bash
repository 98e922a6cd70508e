# bash completion of poseheir: commands, options and their words, as --help tells them.
_poseheir() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} help words
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=$(poseheir --help 2>/dev/null | sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$cur")
    return
  fi
  help=$(poseheir "${COMP_WORDS[1]}" --help 2>/dev/null)
  # --color TEXT:{auto,always,never}
  words=$(sed -n "s/^  \(-[a-z],\)\{0,1\}$prev [A-Z]*:{\([a-z,]*\)}.*/\2/p" <<<"$help" | tr , ' ')
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  elif [[ $cur == -* ]]; then
    words=$(sed -n 's/^  \(-[a-z],\)\{0,1\}\(--[a-z-]*\).*/\2/p' <<<"$help")
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  fi
}
complete -o default -F _poseheir poseheir
