# A server of Temporal's with PostgreSQL, as a government would run it. Runs as the init of namespaces of its own, so that
# whatever it starts ends with it. Arguments: a folder to work in, the image, the programs, the socket that leads to it.
set -eu
folder=$1
mount -t tmpfs none "$folder"
ip link set lo up
root=$folder/root
mkdir "$folder/upper" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root/run/postgresql" "$root/opt/temporal"
mount --bind "$3" "$root/opt/temporal"
chroot "$root" chown postgres:postgres /run/postgresql
echo 'fsync = off' > "$root/etc/postgresql/15/main/conf.d/laboratory.conf"
chroot "$root" pg_ctlcluster 15 main start
chroot "$root" runuser -u postgres -- psql -qc "CREATE ROLE temporal LOGIN CREATEDB PASSWORD 'temporal'"
for each in temporal:temporal temporal_visibility:visibility; do
    tool="/opt/temporal/sql --plugin postgres12 -p 5432 -u temporal --pw temporal --db ${each%:*}"
    chroot "$root" sh -c "$tool create && $tool setup-schema -v 0.0 && $tool update-schema -s postgresql/v12/${each#*:}"
done > "$folder/schema.log" 2>&1 || { cat "$folder/schema.log" >&2; exit 1; }

store() { # name, connections
    cat <<STORE
    $1:
      sql: {pluginName: postgres12, databaseName: $1, connectAddr: "127.0.0.1:5432", connectProtocol: tcp,
            user: temporal, password: temporal, maxConns: $2, maxIdleConns: $2, maxConnLifetime: 1h}
STORE
}
service() { # name, port
    echo "  $1: {rpc: {grpcPort: $2, membershipPort: $(($2 - 300)), bindOnLocalHost: true}}"
}
mkdir -p "$root/etc/temporal/config"
{
    cat <<CONFIG
log: {stdout: true, level: error}
persistence:
  defaultStore: temporal
  visibilityStore: temporal_visibility
  numHistoryShards: 4
  datastores:
$(store temporal 20)
$(store temporal_visibility 4)
global: {membership: {maxJoinDuration: 30s, broadcastAddress: "127.0.0.1"}}
services:
$(service frontend 7233)
$(service history 7234)
$(service matching 7235)
$(service worker 7239)
clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active: {enabled: true, initialFailoverVersion: 1, rpcName: frontend, rpcAddress: "127.0.0.1:7233"}
dcRedirectionPolicy: {policy: noop}
CONFIG
} > "$root/etc/temporal/config/development.yaml"
chroot "$root" /opt/temporal/server --root /etc/temporal --allow-no-auth start > "$folder/server.log" 2>&1 &
socat "UNIX-LISTEN:$4,fork" TCP:127.0.0.1:7233 &
until socat -u OPEN:/dev/null TCP:127.0.0.1:7233 2> /dev/null; do
    kill -0 $! || exit 1
    sleep 0.1
done
echo ready
exec cat
