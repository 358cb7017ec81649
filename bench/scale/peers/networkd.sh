# systemd-networkd by hand, in a mount namespace of its own: networkd.sh DIR ROUTES DEVICE
# DIR has its files. It prints how many nanoseconds after its start all routes were there,
# and the neighbours and FDB entries of the device, unless that is "-"; and how many.
# Exit code 3: it has failed, and may do better; 4: it was not ready after a minute.
# Where /sys is read-only, it does not wait for udev (udev_available, systemd's
# src/shared/udev-util.c).
set -eu
dir=$1 want=$2 dev=$3
for d in /usr/lib/systemd /lib/systemd; do
	[ -x $d/systemd-networkd ] && networkd=$d/systemd-networkd
done
mount --make-rprivate /
mount -t sysfs -o ro sysfs /sys
mount -t tmpfs tmpfs /run/systemd
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network: /run/systemd/netif
mount -t tmpfs tmpfs /etc/systemd/network
cp "$dir"/* /run/systemd/network/
chmod 644 /run/systemd/network/*
export SYSTEMD_LOG_TARGET=console
began=$(date +%s%N)
"$networkd" >"$dir.log" 2>&1 &
pid=$!
trap 'kill $pid; wait $pid || :' EXIT
rows() { "$@" 2>/dev/null | wc -l; }
while :; do
	n=$(rows ip route show proto static)
	if [ "$n" -ge "$want" ]; then
		[ "$dev" = - ] && break
		[ "$(rows ip neighbour show dev "$dev" nud permanent)" -ge "$want" ] && [ "$(rows bridge fdb show dev "$dev")" -ge "$want" ] && break
	fi
	late=$(($(date +%s%N) - began > 60000000000))
	if [ $late = 1 ] || grep -q ': Failed$' "$dir.log"; then
		echo "it has made $n routes of $want in $((($(date +%s%N) - began) / 1000000000)) s: $(tail -n 2 "$dir.log" | tr '\n' ' ')" >&2
		exit $((3 + late))
	fi
	sleep 0.02
done
echo $(($(date +%s%N) - began)) "$n"
