# The ground of the laboratory: two roots over the images of two generations, a wire between them, a cluster in each.
# Runs as the init of namespaces of its own: whatever it starts ends with it. Arguments: folder, old image, new image.
set -eu
folder=$1
mount -t tmpfs none "$folder"
ip link set lo up

raise() { # name, image, version, address, network
    mkdir -p "$folder/$1.upper" "$folder/$1.work" "$folder/$1"
    mount -t overlay overlay -o "lowerdir=$2,upperdir=$folder/$1.upper,workdir=$folder/$1.work" "$folder/$1"
    mount --rbind /proc "$folder/$1/proc"
    mount --rbind /dev "$folder/$1/dev"
    mkdir -p "$folder/$1/run/postgresql"
    chroot "$folder/$1" chown postgres:postgres /run/postgresql
    cat > "$folder/$1/etc/postgresql/$3/main/conf.d/laboratory.conf" <<CONF
fsync = off
listen_addresses = '$4, 127.0.0.1'
wal_level = logical
max_replication_slots = 40
max_wal_senders = 40
max_worker_processes = 40
max_logical_replication_workers = 30
max_prepared_transactions = 10
wal_retrieve_retry_interval = 500ms
CONF
    # A root without systemd: its clusters are started all the same.
    cat > "$folder/$1/usr/local/bin/systemctl" <<'STUB'
#!/bin/sh
[ "$1" != --quiet ] || shift
for last; do :; done
name=${last#postgresql@}; name=${name%.service}
case "$1" in
enable) case "$name" in zhenghe-pgbouncer@*)
    port=${name#*@}
    install -d -o postgres /run/zhenghe-pgbouncer-$port
    cd /; runuser -u postgres -- pgbouncer /etc/pgbouncer/zhenghe/$port/pgbouncer.ini < /dev/null > /run/pgbouncer.log 2>&1 &
    for i in 1 2 3 4 5 6 7 8 9; do [ -S /run/zhenghe-pgbouncer-$port/.s.PGSQL.$port ] || sleep 0.1; done ;;
    esac ;;
start | stop | restart) pg_ctlcluster "${name%%-*}" "${name#*-}" "$1" ;;
esac
[ "$1" != start ] || true
STUB
    chmod 755 "$folder/$1/usr/local/bin/systemctl"
    # sh: $5 is how to enter the end's network.
    $5 chroot "$folder/$1" pg_ctlcluster "$3" main start
}

unshare --net sleep infinity &
new=$!
until [ "$(readlink /proc/$new/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
ip link add old type veth peer name new netns "$new"
ip address add 10.11.0.10/24 dev old && ip link set old up
within="nsenter --net=/proc/$new/ns/net"
$within sh -c 'ip link set lo up; ip address add 10.11.0.21/24 dev new; ip link set new up'
echo "$new" > "$folder/new.pid"
raise old "$2" 13 10.11.0.10 ""
raise new "$3" 15 10.11.0.21 "$within"
cat > "$folder/enter" <<ENTER
#!/bin/sh
case "\$1" in new) exec $within chroot "$folder/new" sh -c "\$2" ;; old) exec chroot "$folder/old" sh -c "\$2" ;; esac
ENTER
chmod 755 "$folder/enter"
echo ready
exec cat
