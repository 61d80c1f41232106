/**
 * A shell function: `small_dev FOLDER` makes there a /dev with the harmless devices alone. They are the machine's own,
 * and root of an image owns them as the machine's root does, so they are mounted read-only: nobody can change their mode,
 * owner or times. Reading and writing a device asks for no more.
 */
export const smallDev = `
small_dev() {
  mount -t tmpfs -o nosuid,noexec,mode=755,size=64m tmpfs "$1"
  for device in null zero full random urandom tty; do
    [ -e "/dev/$device" ] || continue
    : > "$1/$device"
    mount --bind "/dev/$device" "$1/$device"
    mount -o remount,bind,ro,nosuid,noexec "$1/$device"
  done
  mkdir -m 1777 "$1/shm"
  ln -s /proc/self/fd "$1/fd"
  ln -s fd/0 "$1/stdin"
  ln -s fd/1 "$1/stdout"
  ln -s fd/2 "$1/stderr"
}
`;
