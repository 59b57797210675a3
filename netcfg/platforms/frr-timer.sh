# The timer of one change on one device: VERB LABEL [SECONDS]. It prints one word, and for some more after it.
#   arm      hold the device, save its configuration, load it again after so many seconds     -> armed | busy | left
#   confirm  keep the change                                                                  -> confirmed | returned
#   return   take the change back now                                                         -> returned | confirmed
#   fire     what the timer does when it has run out
#   release  let the device go                                                                -> released
#   look     what it starts with, and whether a change waits for a decision                   -> open | decided
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

case $verb in
look)
    if [ -e "$holder" ] && [ "$(decided "$(cat "$holder")")" = open ]; then echo open; else echo decided; fi
    cat /etc/frr/frr.conf
    ;;
arm)
    seconds=$3
    if [ -e "$holder" ]; then
        owner=$(cat "$holder")
        # A change that nobody decided is an earlier attempt of the same one, or its timer is lost: it has to be returned.
        if [ "$(decided "$owner")" = open ]; then
            if [ "$owner" = "$label" ]; then echo "left $owner"; exit; fi
            if kill -0 "$(cat "$store/$owner/timer")" 2> /dev/null; then echo "busy $owner"; exit; fi
            echo "left $owner"
            exit
        fi
        # Decided, and still held: its run is saving what it confirmed, unless it died, which the hour tells.
        if [ "$owner" != "$label" ] && [ "$(date +%s)" -lt "$(cat "$store/$owner/until")" ]; then echo "busy $owner"; exit; fi
    fi
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
