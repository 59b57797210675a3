#!/bin/sh
# Makes a fresh Debian machine ready: Debian's packages, the virtual environment, then (in Python) images and engines.
#
#   scripts/setup.sh           everything; needs root
#   scripts/setup.sh python    the virtual environment alone: enough for lint and unit tests, needs no root
#
# What is there already is left alone. It may be killed at any instant, and several runs may be started at once.
# ZHENGHE_CACHE   where built parts are kept (default /var/cache/zhenghe)
# ZHENGHE_MIRROR  where the images take Debian packages from (default: what mmdebstrap chooses)
# ZHENGHE_PYTHON  the Python to use (default: the system's own, else the first python3 on PATH; 3.11 or newer)

set -eu
cd "$(dirname "$0")/.."

# bird2, frr: routers of the twin, started by the twin and never by the machine. python3-venv: brings pip to a bare Python.
packages="bind9-dnsutils bird2 frr frr-pythontools iproute2 iputils-ping mmdebstrap nftables openssh-client
openssh-server procps python3-venv rsync socat systemd-container"
silent_services="bird frr ssh"
policy=/usr/sbin/policy-rc.d
policy_mark="Here while the set-up of zhenghe installs packages."

tell() { echo "[setup] $*" >&2; }
fail() {
    echo "setup: $1" >&2
    echo "  mend: $2" >&2
    exit 2
}

cache=${ZHENGHE_CACHE:-}
if [ -z "$cache" ]; then
    cache=/var/cache/zhenghe
    [ "$(id -u)" -eq 0 ] || cache=${XDG_CACHE_HOME:-$HOME/.cache}/zhenghe
fi
export ZHENGHE_CACHE="$cache"
export UV_CACHE_DIR="${UV_CACHE_DIR:-$cache/uv-packages}"

# What apt, pip, uv and Go say where there is no way to a registry.
unreached="name resolution|[Cc]ould not resolve|unreachable|Connection (refused|timed out)|dns error|no such host"

# stage NAME COMMAND...: output goes to a log, a line of progress comes every 5 s.
stage() {
    name=$1
    log="$cache/logs/$name.log"
    shift
    begun=$(date +%s)
    "$@" >"$log" 2>&1 </dev/null &
    child=$!
    while kill -0 "$child" 2>/dev/null; do
        elapsed=$(($(date +%s) - begun))
        [ $((elapsed % 5)) -ne 0 ] || tell "$name: $elapsed s"
        sleep 1
    done
    wait "$child" || {
        ! grep -qE "$unreached" "$log" || fail "$name failed: a package registry was not reached" \
            "connect this machine, or set the proxies and mirrors of apt, pip and Go; then start again (log: $log)"
        fail "$name failed: $(tail -n 1 "$log")" "see $log, mend what it names and start again"
    }
    tell "$name: done ($(($(date +%s) - begun)) s)"
}

check_rights() {
    [ "$(id -u)" -eq 0 ] || fail "the twin's hosts and networks need root, and this is user $(id -un)" \
        "start it again as root, for example with sudo"
    unshare --mount --net --pid --fork true 2>/dev/null || fail "namespaces cannot be made here" \
        "use a machine of its own, or a container that is privileged"
    command -v apt-get >/dev/null || fail "apt-get is not here; the set-up knows Debian 12" "use a Debian 12 machine"
}

find_python() {
    for python in ${ZHENGHE_PYTHON:-/usr/bin/python3 python3 python3.11}; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    done
    fail "Python 3.11 or newer is not here" "apt-get install python3, or set ZHENGHE_PYTHON"
}

# What the twin starts for itself must not run on the machine, now or at its next start.
keep_silent() {
    mkdir -p /etc/systemd/system
    for service in $silent_services; do
        # This is how systemd masks a unit. A server that the machine already has is left alone.
        [ -e "/lib/systemd/system/$service.service" ] || ln -sf /dev/null "/etc/systemd/system/$service.service"
    done
    # Where systemd does not run, packages start their services by scripts, unless this file says no.
    [ -d /run/systemd/system ] || [ -e "$policy" ] || {
        printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" >"$policy"
        chmod 755 "$policy"
    }
}

remove_policy() {
    if grep -qsF "$policy_mark" "$policy"; then rm -f "$policy"; fi
}

# Another apt may be at work: the machine's daily one, or what a killed run left.
patiently() {
    for _ in 1 2 3 4 5 6; do
        if "$@"; then return 0; fi
        sleep 5
    done
    return 1
}

install_packages() {
    # A run that was killed may have left packages unpacked only.
    [ -z "$(dpkg --audit)" ] || patiently dpkg --configure --pending
    keep_silent
    export DEBIAN_FRONTEND=noninteractive
    patiently apt-get update
    # shellcheck disable=SC2086  # a list of words
    apt-get -o DPkg::Lock::Timeout=600 install --yes --no-install-recommends $packages
}

have_packages() {
    # shellcheck disable=SC2086,SC2016  # a list of words; a format of dpkg-query
    ready=$(dpkg-query -W -f '${db:Status-Abbrev}\n' $packages 2>/dev/null | grep -c '^.i ') || true
    [ "$ready" -eq "$(echo "$packages" | wc -w)" ]
}

# uv comes from the same locked file as everything else, by the pip that comes with Python.
ensure_uv() {
    locked=$(awk '/^uv==/ { on = 1 } on { print } on && !/\\$/ { exit }' requirements.lock)
    uv_home="$cache/uv/$(echo "$locked $python" | sha256sum | cut -c 1-12)"
    [ ! -d "$uv_home" ] || return 0
    rm -rf "$uv_home.unfinished"
    mkdir -p "$cache/uv"
    "$python" -c 'import ensurepip' 2>/dev/null || fail "$python has no ensurepip" "apt-get install python3-venv"
    "$python" -m venv "$uv_home.unfinished"
    echo "$locked" >"$uv_home.unfinished/uv.lock"
    stage uv "$uv_home.unfinished/bin/pip" install --quiet --require-hashes --no-deps -r "$uv_home.unfinished/uv.lock"
    mv "$uv_home.unfinished" "$uv_home"
}

sync_environment() {
    # An environment that was moved, or not finished, does not know where it lies.
    here=$(.venv/bin/python -c 'import sys; print(sys.prefix)' 2>/dev/null) || true
    [ "$here" = "$PWD/.venv" ] || "$uv_home/bin/uv" venv --clear --python "$python" .venv
    VIRTUAL_ENV="$PWD/.venv"
    export VIRTUAL_ENV
    "$uv_home/bin/uv" pip sync --require-hashes requirements.lock
    "$uv_home/bin/uv" pip install --no-deps --no-build-isolation --editable .
}

ensure_environment() {
    wanted=$(echo "$python $PWD" | cat - requirements.lock pyproject.toml | sha256sum)
    [ "$wanted" != "$(cat .venv/set-up 2>/dev/null)" ] || return 0
    ensure_uv
    stage environment sync_environment
    # Written last: an environment without it is not whole and is synchronised again.
    echo "$wanted" >.venv/set-up
}

mode=${1:-all}
case $mode in
    all) check_rights ;;
    python) ;;
    *) fail "unknown argument $mode" "scripts/setup.sh, or scripts/setup.sh python" ;;
esac
mkdir -p "$cache/logs" 2>/dev/null || fail "$cache cannot be written" "set ZHENGHE_CACHE to a folder that can"

# Runs follow one another until the environment stands: those of one cache, and those of one checkout.
# Children inherit the locks, so what a killed run left working is waited for as well.
exec 8<"$cache/logs" 9<scripts/setup.sh
flock --nonblock 8 && flock --nonblock 9 || { tell "another run is at it; waiting" && flock 8 && flock 9; }
if [ "$mode" = all ]; then
    have_packages || stage debian-packages install_packages
    remove_policy
fi
find_python
ensure_environment
exec 8<&- 9<&-

[ "$mode" = python ] || exec .venv/bin/python -m infra.parts
