# Debian's packages, unpacked beside this machine's own and not installed. Sourced by `boot` and by
# `schedulers/build`; `skip` ends whoever sources it.
# shellcheck shell=bash

HEAP_VM=${HEAP_VM:-${XDG_CACHE_HOME:-$HOME/.cache}/heap_tracked/vm}

# Has sched_ext, PSI, delay accounting, BTF, 9p and cgroup v2. Debian's archive keeps no kernel for ever: where
# this one is gone, `fetch_kernel` takes the newest.
KERNEL=${KERNEL:-6.18.15+deb13-amd64}
SUITE=trixie

# Ends with the reason, and the status by which automake and meson know a test that was skipped.
skip() {
  echo "skipped: $*"
  exit 77
}

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || skip "$program is not to be had"
  done
}

# Where this machine gets Debian's packages from, or where everybody does.
debian_mirror() {
  local from
  from=$(grep -hoE '^(URIs: *|deb (\[[^]]*\] +)?)[a-z+]+:[^ ]+/debian/?( |$)' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -oE '[a-z+]+:[^ ]+' | head -n 1) || true
  echo "${from:-http://deb.debian.org/debian}"
}

# An apt that knows $SUITE and its backports alone, whatever this machine runs, and touches nothing of it.
configure_apt() {
  local apt=$HEAP_VM/apt key=/usr/share/keyrings/debian-archive-keyring.gpg
  need apt-get apt-cache dpkg
  [ -e "$key" ] || skip "$key is not to be had: package debian-archive-keyring"
  mkdir -p "$apt"/{lists/partial,cache/archives/partial}
  printf "deb [signed-by=$key] $(debian_mirror) %s main\n" "$SUITE" "$SUITE-backports" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<EOF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
EOF
  export APT_CONFIG=$apt/apt.conf
  apt-get -qq update >&2 || skip "Debian's package lists cannot be had"
}

# Unpacks packages into a folder, which is there as soon as all of them are in it.
unpack() {
  local folder=$1 work package
  shift
  mkdir -p "$HEAP_VM"
  work=$(mktemp -d "$HEAP_VM/unpacking.XXXXXX")
  (
    cd "$work" && apt-get -qq download "$@" >&2 || exit
    for package in *.deb; do
      dpkg -x "$package" root || exit
    done
  ) || {
    rm -rf "$work"
    skip "$* cannot be had from $(debian_mirror)"
  }
  mv -T "$work/root" "$folder"
  rm -rf "$work"
}

is_known() { [ -n "$(apt-cache --quiet=2 show "$1" 2>/dev/null)" ]; }

kernel_folder() { echo "$HEAP_VM/kernel-$1"; }
kernel_image() { echo "$(kernel_folder "$1")/boot/vmlinuz-$1"; }
kernel_config() { echo "$(kernel_folder "$1")/boot/config-$1"; }

# Sees to it that a kernel is there, and puts its release into KERNEL.
fetch_kernel() {
  local package packages=()
  [ -e "$(kernel_image "$KERNEL")" ] && return
  configure_apt
  if ! is_known "linux-image-$KERNEL"; then
    KERNEL=$(apt-cache show "linux-image-amd64/$SUITE-backports" |
      sed -n 's/^Depends:.*linux-image-\([^ ,]*\).*/\1/p' | head -n 1)
    [ -n "$KERNEL" ] || skip "no kernel is to be had from $(debian_mirror)"
    [ -e "$(kernel_image "$KERNEL")" ] && return
  fi
  # Later kernels are in several packages.
  for package in linux-image linux-binary linux-modules; do
    if is_known "$package-$KERNEL"; then packages+=("$package-$KERNEL"); fi
  done
  unpack "$(kernel_folder "$KERNEL")" "${packages[@]}"
}
