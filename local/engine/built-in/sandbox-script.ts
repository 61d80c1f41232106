import { smallDev } from "./small-dev.ts";

/**
 * Runs with the machine's own shell inside fresh namespaces, as their first process, and ends by becoming the command.
 * Arguments: the root folder, the host name and the folder for /dev/start; then, in threes, what to do before (`group FILE -`) and what to mount
 * (`bind FROM TO`, `read-only FROM TO`, `tmpfs BYTES TO`; TO is below the root and has no links); then `--` and the
 * command with all that leads to it (see sandbox.ts).
 *
 * - The root folder is moved over `/` before the command's chroot, so that climbing out of the chroot ends in it again.
 *   (`-n`: an unprivileged user's mount would otherwise fail afterwards, at keeping a record of it.)
 * - /proc is read-only, its own entries too: their modes and owners are the machine's. What tells too much is hidden.
 * - /dev is a small one of its own, and the command's input is its null and not the machine's, which root could change
 *   through /proc/self/fd.
 * - An unprivileged user may not take flags off a mount, so one of a folder mounted `noexec` stays so.
 */
export const sandboxScript = `
${smallDev}
set -e
umask 022
root=$1
name=$2
start=$3
shift 3
while [ "$1" = group ]; do
  echo 0 > "$2"
  shift 3
done
seal() {
  mount -o remount,bind,ro,nosuid,nodev "$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev,noexec "$1"
}
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
{ echo "$name" > "$root/proc/sys/kernel/hostname"; } 2>/dev/null || hostname "$name" 2>/dev/null || true
mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc"
small_dev "$root/dev"
for name in kcore keys kmsg kpagecgroup kpagecount kpageflags sched_debug timer_list timer_stats; do
  [ -e "$root/proc/$name" ] || continue
  mount --bind "$root/dev/null" "$root/proc/$name"
done
mkdir "$root/dev/start"
mount --bind "$start" "$root/dev/start"
seal "$root/dev/start"
while [ "$1" != -- ]; do
  case $1 in
    tmpfs) mount -t tmpfs -o "nosuid,nodev,mode=1777,size=$2" tmpfs "$root$3" ;;
    *) mount --bind "$2" "$root$3" ;;
  esac
  [ "$1" != read-only ] || seal "$root$3"
  shift 3
done
shift
ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null || true
cd "$root"
exec < dev/null
mount -n --move . /
exec "$@"
`;
