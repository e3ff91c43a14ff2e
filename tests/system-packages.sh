#!/bin/sh
# Install the Debian packages named, if they are missing and we are root; else say which are missing.
set -u
missing=
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

# The tests start what they need themselves: no service of a package starts now (Debian Policy 9.3.3.1) or at boot.
policy=/usr/sbin/policy-rc.d
install_without_services() {
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || return
    if [ -d /run/systemd/system ]; then
        dpkg -L $missing | sed -n 's|^/lib/systemd/system/\([^@/]*\.service\)$|\1|p' | xargs -r systemctl --quiet disable
    fi
    return 0
}

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing:$missing"
    apt-get update -qq && install_without_services && exit 0
fi
echo "missing:$missing (apt install$missing); the tests that need them are skipped, each with the reason"
