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

# Made by build/tests/unit/objects/test_completion --print:
_poise_objects() {
	echo run service backend status stats flows explain drops answers apply check export reload attach detach decap help
}

_poise_verbs() {
	case $1 in
	service) echo list show add set del help ;;
	backend) echo list add set drain ready maint del help ;;
	decap) echo stats attach detach help ;;
	esac
}

_poise_args() {
	case $1 in
	run) echo '--listen [ADDR]:PORT[/udp] [OPTION]... BACKEND...' ;;
	'service show') echo 'NAME' ;;
	'service add') echo 'NAME --listen ADDR:PORT/PROTO --mode MODE [OPTION]...' ;;
	'service set') echo 'NAME OPTION...' ;;
	'service del') echo 'NAME' ;;
	'backend list') echo '[SERVICE]' ;;
	'backend add') echo 'SERVICE ADDR[:PORT] [OPTION]...' ;;
	'backend set') echo 'SERVICE ADDR[:PORT] OPTION...' ;;
	'backend drain') echo 'SERVICE ADDR[:PORT] [--wait [--timeout TIME] [--silent TIME]]' ;;
	'backend ready') echo 'SERVICE ADDR[:PORT]' ;;
	'backend maint') echo 'SERVICE ADDR[:PORT]' ;;
	'backend del') echo 'SERVICE ADDR[:PORT]' ;;
	stats) echo '[SERVICE] [--interval TIME | --once]' ;;
	flows) echo '[SERVICE]' ;;
	explain) echo '[tcp|udp|sctp] SRC:PORT DST:PORT' ;;
	apply) echo 'FILE' ;;
	check) echo 'FILE' ;;
	attach) echo 'IFACE [--xdp auto|native|generic]' ;;
	detach) echo '[IFACE | --all]' ;;
	'decap stats') echo '[IFACE]' ;;
	'decap attach') echo 'IFACE --vip ADDR...' ;;
	'decap detach') echo 'IFACE' ;;
	esac
}

_poise_options() {
	case $1 in
	run) echo --listen --scheduler --check --interface --xdp --interval --verbose ;;
	'service add') echo --listen --mode --source --scheduler --hash --track --unavailable --idle-timeout --settle --slow-start --panic --rows --gue-port --outer-sources --check --check-port --interval --timeout --rise --fall --backend ;;
	'service set') echo --listen --mode --source --scheduler --hash --track --unavailable --idle-timeout --settle --slow-start --panic --rows --gue-port --outer-sources --check --check-port --interval --timeout --rise --fall --backend ;;
	'backend add') echo --weight --state --sorry ;;
	'backend set') echo --weight --state --sorry ;;
	'backend drain') echo --wait --timeout --silent ;;
	stats) echo --interval --once ;;
	attach) echo --xdp ;;
	detach) echo --all ;;
	'decap attach') echo --vip --local --from --gue-port --xdp ;;
	esac
	echo --json --instance --help --version
}

_poise_values() {
	case $1 in
	--listen) ;;
	--scheduler) echo maglev roundrobin leastconn random ;;
	--check) echo tcp http:/ none ;;
	--interface) ;;
	--xdp) echo auto native generic ;;
	--interval) ;;
	--mode) echo l2 ipip gue nat local ;;
	--source) echo nat keep ;;
	--hash) echo 5-tuple source ;;
	--track) echo auto always ;;
	--unavailable) echo drop reject ;;
	--idle-timeout) echo default ;;
	--settle) ;;
	--slow-start) echo none ;;
	--panic) echo never ;;
	--rows) ;;
	--gue-port) ;;
	--outer-sources) echo none ;;
	--check-port) ;;
	--timeout) ;;
	--rise) ;;
	--fall) ;;
	--backend) ;;
	--weight) ;;
	--state) echo ready drain maint ;;
	--sorry) echo yes no ;;
	--silent) ;;
	--vip) ;;
	--local) ;;
	--from) ;;
	--instance) ;;
	*) return 1 ;;
	esac
}
# End of what is made.

# Prints the words that may follow those in words[].
_poise_words() {
	local object=${words[0]} at key name
	local -a args=()
	if ((${#words[@]} == 0)) || [[ $object == help && ${#words[@]} == 1 ]]; then
		_poise_objects
		return
	fi
	if [[ $(_poise_verbs "$object") ]]; then
		key="$object ${words[1]}" at=$((${#words[@]} - 2))
		if ((at < 0)); then
			_poise_verbs "$object"
			return
		fi
	else
		key=$object at=$((${#words[@]} - 1))
	fi
	read -ra args <<<"$(_poise_args "$key")"
	name=${args[at]#[}
	name=${name%]}
	case ${words[1]}/$name in
	add/NAME | add/ADDR*) ;; # a new one
	*/NAME | */SERVICE) _poise_services ;;
	*/ADDR*) _poise_backends "${words[2]}" ;;
	*/IFACE) _poise_interfaces ;;
	*/FILE) echo "$name" ;;
	*/*'|'*) echo "${name//|/ }" ;;
	esac
}

_poise() {
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
		[[ $previous == --interface ]] && candidates=$(_poise_interfaces)
	elif [[ $current == -* ]]; then
		candidates=${words[0]}
		[[ $(_poise_verbs "${words[0]}") ]] && candidates+=" ${words[1]}"
		candidates=$(_poise_options "$candidates")
	else
		candidates=$(_poise_words)
	fi
	if [[ $candidates == FILE ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
	# bash completes only what follows the last colon.
	if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
	fi
}

complete -F _poise poise
