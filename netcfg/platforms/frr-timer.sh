# The timer of one change on one device: VERB LABEL [SECONDS]. It prints one word, and for some more after it.
#   arm      hold the device, save its configuration, load it again after so many seconds     -> armed | busy | left
#   confirm  keep the change                                                                  -> confirmed | returned
#   return   take the change back now                                                         -> returned | confirmed
#   fire     what the timer does when it has run out
#   release  let the device go                                                                -> released
#   look     whether a change is under way, and what the device starts with                   -> free | left | busy
# One decision is taken for each change, once: confirmed or returned. A lock makes it so.
set -u
umask 077
verb=$1 label=$2
store=$HOME/zhenghe
change=$store/$label
holder=$store/holder
exec 9> "$store/.lock"
flock 9

running() {
    vtysh -c 'show running-config' | sed '1,/^Current configuration/d'
}

decided() {
    cat "$store/$1/decision" 2> /dev/null || echo open
}

put_back() {
    # Loading twice is not a superstition: a line may depend on one that the first round brings back.
    for round in 1 2 3; do
        /usr/lib/frr/frr-reload.py --reload --stdout --rundir "$change" "$change/before.conf" 9>&- >> "$change/log" 2>&1
        running > "$change/now.conf"
        if cmp -s "$change/before.conf" "$change/now.conf"; then
            echo returned > "$change/decision"
            return
        fi
    done
    echo differs > "$change/decision"
}

let_go() {
    if [ -e "$holder" ] && [ "$(cat "$holder")" = "$label" ]; then rm -f "$holder"; fi
}

# Whether a change holds the device: `busy` while another one goes on, `left` where one was never decided and has to be
# returned, because it is an earlier attempt of this one or its timer is lost; otherwise the device is free.
situation() {
    [ -e "$holder" ] || { echo free; return; }
    owner=$(cat "$holder")
    if [ "$(decided "$owner")" = open ]; then
        if [ "$owner" != "$label" ] && kill -0 "$(cat "$store/$owner/timer")" 2> /dev/null; then echo "busy $owner"; return; fi
        echo "left $owner"
    # Decided and still held: its run makes permanent what it confirmed, unless it died, which the hour tells.
    elif [ "$owner" != "$label" ] && [ "$(date +%s)" -lt "$(cat "$store/$owner/until")" ]; then
        echo "busy $owner"
    else
        echo free
    fi
}

case $verb in
look)
    situation
    cat /etc/frr/frr.conf
    ;;
arm)
    seconds=$3
    now=$(situation)
    if [ "$now" != free ]; then echo "$now"; exit; fi
    rm -rf "$change"
    mkdir "$change"
    running > "$change/before.conf"
    if ! [ -s "$change/before.conf" ]; then echo "failed no configuration to save" >&2; exit 1; fi
    echo $(($(date +%s) + seconds)) > "$change/until"
    cp "$store/timer.sh" "$change/timer.sh"
    setsid sh -c "sleep $seconds; exec sh '$change/timer.sh' fire $label" < /dev/null > /dev/null 2>&1 9>&- &
    echo $! > "$change/timer"
    echo "$label" > "$holder"
    echo armed
    cat "$change/before.conf"
    ;;
confirm)
    if [ "$(decided "$label")" = open ] && [ -d "$change" ]; then
        echo confirmed > "$change/decision"
        kill -- "-$(cat "$change/timer")" 2> /dev/null
    fi
    decided "$label"
    ;;
return | fire)
    if [ "$(decided "$label")" = open ] && [ -d "$change" ]; then
        put_back
        # Not before: until it is done the timer is the one that does it if this shell dies. The lock keeps it out so far.
        if [ "$verb" = return ]; then kill -- "-$(cat "$change/timer")" 2> /dev/null; fi
        let_go
    fi
    decided "$label"
    ;;
release)
    let_go
    echo released
    ;;
esac
