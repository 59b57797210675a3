#!/bin/sh
# The init of one router: PLATFORM NAME FOLDER ADDRESS/LENGTH MANAGEMENT PYTHON [DOMAIN=NETNS]...
# It runs in network, mount, pid and UTS namespaces of the router; what it starts ends with it.
set -eu
platform=$1 name=$2 folder=$3 address=$4 management=$5 python=$6
shift 6
case $platform in
    frr | bird) engine=$platform ;;
    *) engine=frr ;;
esac

hostname "$name"

# A /run of its own: FRR's sockets, sshd's folder, and the VRFs' namespaces where zebra looks for them.
mkdir -p "$folder/run"
mount -n -t tmpfs -o mode=755 tmpfs "$folder/run"
mkdir "$folder/run/frr" "$folder/run/bird" "$folder/run/sshd" "$folder/run/netns" "$folder/run/router"
chown frr:frrvty "$folder/run/frr"
chown bird:bird "$folder/run/bird"
chmod 775 "$folder/run/frr" "$folder/run/bird"
for pair in "$@"; do
    : > "$folder/run/netns/${pair%%=*}"
    mount -n --bind "${pair#*=}" "$folder/run/netns/${pair%%=*}"
done
mount -n --bind "$folder/etc" "/etc/$engine"
# A double has no accounts, and may itself be installed below /home.
if [ "$platform" = "$engine" ]; then
    mount -n --bind "$folder/home" /home
    mount -n --bind "$folder/passwd" /etc/passwd
    mount -n --bind "$folder/shadow" /etc/shadow
fi
mount -n --bind "$folder" "$folder/run/router"
mount -n --move "$folder/run" /run
# FRR keeps crash notes there by process number, and every router counts its processes from one.
mount -n -t tmpfs -o mode=1777 tmpfs /var/tmp

# Loose filtering: with two ways to a place an answer may come back by the other one.
forwarding='
    ip link set lo up
    sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
    sysctl -q -w net.ipv4.ping_group_range="0 2147483647"
    for setting in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > "$setting"; done
'
sh -e -c "$forwarding"
for pair in "$@"; do
    nsenter --net="/run/netns/${pair%%=*}" sh -e -c "$forwarding"
done
ip address replace "$address" dev "$management"
ip link set "$management" up

start_frr() {
    vrfs=
    [ $# -eq 0 ] || vrfs=-n
    /usr/lib/frr/zebra -d $vrfs -A 127.0.0.1
    /usr/lib/frr/staticd -d -A 127.0.0.1
    /usr/lib/frr/bgpd -d -A 127.0.0.1
    /usr/lib/frr/bfdd -d -A 127.0.0.1
    vtysh -b
}

# BIRD configures no interfaces: they have their addresses before it, from what Debian keeps elsewhere.
start_bird() {
    while read -r interface own; do
        ip address replace "$own" dev "$interface"
    done < /run/router/addresses
    bird -u bird -g bird
}

# A vendor's device speaks no IPv6 unless it is told to: an idle interface sends nothing.
start_double() {
    sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    "$python" -m netcfg.doubles.playing "$platform" "$name" /run/router "${address%/*}" &
    start_frr
    : > /run/router/up
    while [ ! -e /run/router/ready ]; do
        kill -0 $! || exit 1
        sleep 0.05
    done
}

case $platform in
    frr) start_frr "$@" ;;
    bird) start_bird ;;
    *) start_double ;;
esac
if [ "$platform" = "$engine" ]; then
    /usr/sbin/sshd -f /run/router/sshd_config
    : > /run/router/ready
fi

# The first process of a pid namespace takes over orphans: daemons' parents, timers. It has to bury them.
while :; do
    sleep 86400 &
    wait $!
done
