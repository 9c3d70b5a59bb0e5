# The memory file system that the guest starts with: busybox, and the modules for what its root is made of.
# Sourced by `boot`.
# shellcheck shell=bash

MODULES=(9pnet_virtio 9p overlay zram)

initramfs_of() { echo "$(kernel_folder "$1")/initramfs.gz"; }

# The folder below which a kernel's modules lie: /usr since Debian's systems have one folder for both.
modules_root() {
  local folder
  folder=$(kernel_folder "$1")
  if [ -d "$folder/usr/lib/modules/$1" ]; then echo "$folder/usr"; else echo "$folder"; fi
}

make_initramfs() {
  local release=$1 here=${BASH_SOURCE[0]%/*} target root
  target=$(initramfs_of "$release")
  # Written anew when what it is made of has changed.
  if [ "$target" -nt "$here/guest/init" ] && [ "$target" -nt "$here/initramfs.sh" ]; then return; fi
  if ldd "$(command -v busybox)" >/dev/null 2>&1; then
    skip "busybox needs libraries: package busybox-static"
  fi
  root=$(mktemp -d)
  mkdir "$root"/{bin,modules,proc,sys,dev,lower,upper,root}
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp "$here/guest/init" "$root/init"
  chmod +x "$root/init"
  copy_modules "$release" "$root/modules"
  (cd "$root" && find . | cpio --create --format newc --quiet | gzip -1) >"$target.new"
  mv "$target.new" "$target"
  rm -rf "$root"
}

# Copies the modules with what they depend on, unpacked, and a list of them in the order of loading.
copy_modules() {
  local release=$1 into=$2 root module kind file name
  root=$(modules_root "$release")
  depmod --basedir "$root" "$release"
  touch "$into/order"
  for module in "${MODULES[@]}"; do
    # A line is `insmod FILE`, or `builtin NAME`.
    while read -r kind file _; do
      [ "$kind" = insmod ] || continue
      name=$(basename "$file")
      name=${name%.xz} name=${name%.zst}
      [ -e "$into/$name" ] && continue
      case $file in
        *.xz) need xz && xz --decompress --stdout "$file" >"$into/$name" ;;
        *.zst) need zstd && zstd --quiet --decompress --stdout "$file" >"$into/$name" ;;
        *) cp "$file" "$into/$name" ;;
      esac
      echo "$name" >>"$into/order"
    done < <(modprobe --dirname "$root" --set-version "$release" --show-depends "$module")
  done
}
