# shellcheck shell=bash
# What fedrelay needs of Debian 12, and how it gets there. Sourced by the other scripts.

# shellcheck disable=SC2034
packages_build=(
  gcc libc6-dev meson ninja-build pkg-config python3
  libdpdk-dev libhyperscan-dev libidn2-dev libipsec-mb-dev libjansson-dev
  libnuma-dev libseccomp-dev libsqlite3-dev libssl-dev libunbound-dev libuv1-dev libyaml-dev
)
packages_bench=(haproxy)
packages_demo=(iproute2 kamailio kamailio-tls-modules nsd openssl sip-tester)
packages_test=(
  clang iputils-arping iputils-ping kamailio-tls-modules libclang-rt-14-dev libcmocka-dev liblwip-dev
  libosip2-dev procps stunnel4 testssl.sh unicode-data util-linux
)
packages_check=(clang-format clang-tidy cppcheck shellcheck)

need_root() {
  [ "$(id -u)" = 0 ] || { echo "$0: must run as root: it makes network namespaces and TAP ports" >&2; exit 2; }
}

# Installs those of the named packages that are missing; says so. Daemons among them are not
# started: what is needed is started by the scripts, in namespaces of their own.
packages_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  local log policy=/usr/sbin/policy-rc.d made_policy=0 rc=0
  log=$(mktemp)
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made_policy=1
  fi
  {
    apt-get update &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1 </dev/null || rc=$?
  [ "$made_policy" = 0 ] || rm -f "$policy"
  if [ "$rc" != 0 ]; then
    tail -n 20 "$log" >&2
    echo "installing packages failed; the whole log is $log" >&2
    return 1
  fi
  rm -f "$log"
}

# build DIR [meson options]: configures once, builds, is quiet unless something is wrong.
build() {
  local dir=$1 log
  shift
  log=$(mktemp)
  if [ ! -f "$dir/build.ninja" ]; then
    rm -rf "$dir"
    meson setup "$dir" "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; return 1; }
  fi
  ninja -C "$dir" >"$log" 2>&1 || { tail -n 60 "$log" >&2; rm -f "$log"; return 1; }
  rm -f "$log"
}
