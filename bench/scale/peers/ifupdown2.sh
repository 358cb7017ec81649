# ifupdown2, in a mount namespace of its own: ifupdown2.sh FILE DEVICE
# It prints its nanoseconds, and how many routes there are.
set -eu
mount --make-rprivate /
mkdir -p /run/network
mount -t tmpfs tmpfs /run/network
[ -d /var/tmp ] && mount -t tmpfs tmpfs /var/tmp
began=$(date +%s%N)
ifup -i "$1" "$2" >"$1.log" 2>&1
took=$(($(date +%s%N) - began))
echo $took "$(ip route show dev "$2" | wc -l)"
