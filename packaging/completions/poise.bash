# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Completion of poise(8): words, options, and the names of services and backends that run.

_poise_services() {
	poise "${instance[@]}" service list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_poise_backends() {
	poise "${instance[@]}" backend list "$1" 2>/dev/null | awk 'NR > 1 { print $2 }'
}

_poise_interfaces() {
	local path
	for path in /sys/class/net/*; do
		echo "${path##*/}"
	done
}

# The values that an option takes; fails where it takes none.
_poise_values() {
	case $1 in
	--mode) echo l2 ipip gue nat local ;;
	--source) echo nat keep ;;
	--interface) _poise_interfaces ;;
	--scheduler) echo maglev roundrobin leastconn random ;;
	--hash) echo 5-tuple source ;;
	--track) echo auto always ;;
	--state) echo ready drain maint ;;
	--sorry) echo yes no ;;
	--idle-timeout) echo default ;;
	--slow-start) echo none ;;
	--panic) echo never ;;
	--check) echo tcp http:/ none ;;
	--xdp) echo auto native generic ;;
	--listen | --rows | --gue-port | --check-port | --interval | --timeout | --rise | --fall | \
		--settle | --silent | --backend | --weight | --instance | --vip) ;;
	*) return 1 ;;
	esac
}

_poise_verbs() {
	case $1 in
	service) echo list show add set del help ;;
	backend) echo list add set drain ready maint del help ;;
	decap) echo attach detach stats help ;;
	help) echo "$objects" ;;
	esac
}

_poise_options() {
	case $1 in
	'service add' | 'service set')
		echo --listen --mode --source --scheduler --hash --track --idle-timeout --settle \
			--slow-start --panic --rows --gue-port --check --check-port --interval \
			--timeout --rise --fall --backend
		;;
	'run '*) echo --listen --scheduler --check --interface --xdp --interval --verbose ;;
	'backend add' | 'backend set') echo --weight --state --sorry ;;
	'backend drain') echo --wait --timeout --silent ;;
	'stats '*) echo --interval --once ;;
	'attach '*) echo --xdp ;;
	'detach '*) echo --all ;;
	'decap attach') echo --vip --gue-port --xdp ;;
	esac
	echo --json --instance --help
}

# What may stand as the word after those in words[].
_poise_words() {
	local object=${words[0]} verb=${words[1]}
	case ${#words[@]} in
	0)
		echo "$objects"
		return
		;;
	1) _poise_verbs "$object" ;;
	esac
	case $object/${#words[@]} in
	stats/1 | flows/1) _poise_services ;;
	explain/1) echo tcp udp ;;
	attach/1 | detach/1) _poise_interfaces ;;
	esac
	case $object/$verb/${#words[@]} in
	service/show/2 | service/set/2 | service/del/2 | backend/*/2) _poise_services ;;
	backend/set/3 | backend/del/3 | backend/drain/3 | backend/ready/3 | backend/maint/3) _poise_backends "${words[2]}" ;;
	decap/*/2) _poise_interfaces ;;
	esac
}

_poise() {
	local objects='run service backend status stats flows explain drops apply check export reload attach detach decap help'
	local current previous line point candidates i
	local -a words=() instance=() parts=()
	# Addresses hold colons, at which bash parts words: part the line at blanks instead.
	line=${COMP_LINE:0:COMP_POINT}
	read -ra parts <<<"$line"
	[[ $line == *[[:space:]] ]] && parts+=('')
	point=$((${#parts[@]} - 1))
	current=${parts[point]}
	previous=${parts[point - 1]}
	for ((i = 1; i < point; i++)); do
		case ${parts[i]} in
		--instance) instance=(--instance "${parts[i + 1]}") && i=$((i + 1)) ;;
		--instance=*) instance=("${parts[i]}") ;;
		-*=*) ;;
		-*) _poise_values "${parts[i]}" >/dev/null && i=$((i + 1)) ;;
		*) words+=("${parts[i]}") ;;
		esac
	done
	COMPREPLY=()
	if ((point > 1)) && candidates=$(_poise_values "$previous"); then
		:
	elif [[ $current == -* ]]; then
		candidates=$(_poise_options "${words[0]} ${words[1]}")
	elif [[ ${#words[@]} == 1 && ${words[0]} =~ ^(apply|check)$ ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
	else
		candidates=$(_poise_words)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
	# bash completes only what follows the last colon.
	if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
	fi
}

complete -F _poise poise
