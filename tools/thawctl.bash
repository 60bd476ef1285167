# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# thawctl.bash: completion for thawctl; bash loads it as "thawctl" from its completions folder.

_thawctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local place='--esp-path --disk --part --no-variables --json --help'
	local options line

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W \
			'status install update uninstall log check image sleep pass-over hibernate --help --version' \
			-- "$word")
		return
	fi
	case ${COMP_WORDS[1]} in
	install) options="$place --mode --source --dry-run --quiet" ;;
	update) options="$place --source --dry-run --quiet" ;;
	uninstall) options="$place --dry-run --quiet" ;;
	status) options=$place ;;
	log) options='--new --json --help' ;;
	sleep) options='--esp-path --disk --part --help' ;;
	pass-over) options='--esp-path --disk --part --help' ;;
	check) options='--offset --memmap --root --json --verbose --help' ;;
	image) options='--offset --json --keep --replace --store --threads --quiet --help' ;;
	hibernate) options='--mode --compress --replace --force --esp-path --disk --part --dry-run --help' ;;
	*) return ;;
	esac
	case $before in
	image)
		mapfile -t COMPREPLY < <(compgen -W 'info dump verify extract convert' -- "$word")
		return
		;;
	--offset | --part | --threads)
		return
		;;
	--mode)
		options='resident armed'
		[[ ${COMP_WORDS[1]} == hibernate ]] && options='platform shutdown reboot'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		return
		;;
	--compress)
		mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word")
		return
		;;
	esac
	case $word in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
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
