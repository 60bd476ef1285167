# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# thawctl.bash: completion for thawctl; bash loads it as "thawctl" from its completions folder.

_thawctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local line

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'check --help --version' -- "$word")
		return
	fi
	[[ ${COMP_WORDS[1]} == check ]] || return
	case $before in
	--offset)
		return
		;;
	esac
	case $word in
	-*)
		mapfile -t COMPREPLY < <(compgen -W '--offset --memmap --json --verbose --help' \
			-- "$word")
		;;
	*)
		compopt -o filenames 2>/dev/null
		while IFS= read -r line; do
			COMPREPLY+=("$line")
		done < <(compgen -f -- "$word")
		;;
	esac
}

complete -F _thawctl thawctl
