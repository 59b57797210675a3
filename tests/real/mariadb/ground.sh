# The ground of the laboratory: two roots over the images of two generations, a wire between them, a server in each.
# Runs as the init of namespaces of its own: whatever it starts ends with it. Arguments: folder, old image, new image.
set -eu
folder=$1
mount -t tmpfs none "$folder"
ip link set lo up

raise() { # name, image, address, how to enter its network
    mkdir -p "$folder/$1.upper" "$folder/$1.work" "$folder/$1"
    mount -t overlay overlay -o "lowerdir=$2,upperdir=$folder/$1.upper,workdir=$folder/$1.work" "$folder/$1"
    mount --rbind /proc "$folder/$1/proc"
    mount --rbind /dev "$folder/$1/dev"
    mkdir -p "$folder/$1/run/mysqld" "$folder/$1/run/sshd" "$folder/$1/root/.ssh"
    chroot "$folder/$1" chown mysql:mysql /run/mysqld
    cat > "$folder/$1/etc/mysql/mariadb.conf.d/60-laboratory.cnf" <<CONF
[mysqld]
bind-address = $3
innodb_flush_method = nosync
innodb_flush_log_at_trx_commit = 0
innodb_buffer_pool_size = 16M
innodb_log_file_size = 8M
aria_pagecache_buffer_size = 8M
CONF
    # A root without systemd: its server is started and stopped all the same.
    cat > "$folder/$1/usr/local/bin/systemctl" <<'STUB'
#!/bin/sh
serve() {
    [ -S /run/mysqld/mysqld.sock ] && return
    setsid mysqld --user=mysql >>/run/mysqld/log 2>&1 </dev/null &
    for look in $(seq 400); do [ -S /run/mysqld/mysqld.sock ] && return; sleep 0.02; done
    tail -5 /run/mysqld/log >&2; exit 1
}
quit() {
    [ -S /run/mysqld/mysqld.sock ] || return 0
    pid=$(cat /run/mysqld/mysqld.pid)
    kill "$pid"
    while [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.02; done
    rm -f /run/mysqld/mysqld.sock
}
case "$*" in
*restart*) quit; serve ;;
*disable*--now* | *stop*) quit ;;
*start* ) serve ;;
is-active*) if [ -S /run/mysqld/mysqld.sock ]; then echo active; else echo inactive; exit 3; fi ;;
esac
STUB
    chmod 755 "$folder/$1/usr/local/bin/systemctl"
    $4 chroot "$folder/$1" sh -c 'ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; /usr/sbin/sshd
        mkdir -m 700 /var/lib/mysql/lost+found; systemctl start mariadb'
}

unshare --net sleep infinity &
new=$!
until [ "$(readlink /proc/$new/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
ip link add old type veth peer name new netns "$new"
ip address add 10.11.0.10/24 dev old && ip link set old up
within="nsenter --net=/proc/$new/ns/net"
$within sh -c 'ip link set lo up; ip address add 10.11.0.21/24 dev new; ip link set new up'
raise old "$2" 10.11.0.10 "" >&2
raise new "$3" 10.11.0.21 "$within" >&2
cat > "$folder/enter" <<ENTER
#!/bin/sh
case "\$1" in new) exec $within chroot "$folder/new" sh -c "\$2" ;; old) exec chroot "$folder/old" sh -c "\$2" ;; esac
ENTER
chmod 755 "$folder/enter"
echo ready
exec cat
