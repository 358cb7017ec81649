#!/bin/sh
# Brings the nodes of a topology to it over ssh, one after the other, and stops at the
# first that fails.
#
#   rollout.sh [--phases] TOPOLOGY [NODE...]
#
# Each node is an ssh host of that name (~/.ssh/config can say more of it), on which
# netplan-overlay is installed, and may be run with "sudo -n". A node keeps its change
# only if a second ssh connection gets through to confirm it, and if the namespaces that
# reached each other before still do.
#
# With --phases, all nodes accept the new way of packets before any sends that way: for
# a change of the backend, or of what all nodes share.
#
# A node that has left the file is not touched: run "netplan-overlay destroy" on it first.
set -eu

phases=whole
if [ "${1-}" = --phases ]; then
	phases='prepare commit whole'
	shift
fi
topology=${1:?usage: rollout.sh [--phases] TOPOLOGY [NODE...]}
shift
netplan-overlay validate -f "$topology"
if [ $# -eq 0 ]; then
	names=$(netplan-overlay nodes -f "$topology" | cut -f1)
	# Names of nodes have no blanks.
	# shellcheck disable=SC2086
	set -- $names
fi

# What runs on the node; its input is the topology. It says a word at the end, and all
# else on stderr. Where the node is right already, nothing would wait to be confirmed.
# shellcheck disable=SC2016 # it is expanded there
change='
set -eu
mkdir -p -m 700 .netplan-overlay
cat >.netplan-overlay/topology.yaml
set -- -f .netplan-overlay/topology.yaml --node "$node"
[ "$phase" = whole ] || set -- "$@" --phase "$phase"
code=0
sudo -n netplan-overlay plan "$@" --detailed-exitcode >&2 || code=$?
case $code in
0) echo same ;;
2)
	sudo -n netplan-overlay apply "$@" --auto-approve --verify --confirm 120s --max-destroy "$destroy" >&2
	echo changed
	;;
*) exit "$code" ;;
esac'

# What the second connection says. Only what was kept is what the node finds when it
# boots.
# shellcheck disable=SC2016
keep='
set -eu
[ "$came" = same ] || sudo -n netplan-overlay confirm
[ "$phase" != whole ] || sudo -n install -D -m 644 .netplan-overlay/topology.yaml /etc/netplan-overlay/topology.yaml'

for phase in $phases; do
	for node; do
		case $node in
		-* | *[!A-Za-z0-9._-]*)
			echo "rollout: the node $node cannot be the name of an ssh host" >&2
			exit 1
			;;
		esac
		echo "== $node ($phase)"
		with="node=$node phase=$phase destroy=${MAX_DESTROY:-50%}"
		came=$(ssh -o BatchMode=yes -- "$node" "$with; $change" <"$topology")
		ssh -o BatchMode=yes -- "$node" "$with came=$came; $keep" </dev/null
	done
done
echo "All nodes are as $topology says."
