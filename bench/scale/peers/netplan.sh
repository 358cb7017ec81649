# netplan writes files for systemd-networkd, which makes the routes: netplan.sh ROOT ROUTES
# Its own "apply" needs a system that systemd has started.
set -eu
began=$(date +%s%N)
netplan generate --root-dir "$1" >&2
out=$(sh "${0%/*}/networkd.sh" "$1/run/systemd/network" "$2" -)
echo $(($(date +%s%N) - began)) "${out#* }"
