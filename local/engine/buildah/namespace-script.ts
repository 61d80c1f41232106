/**
 * Runs with the machine's own shell inside fresh mount, process, IPC and host name namespaces, and ends by becoming
 * buildah. Buildah's chroot isolation hands the machine's /dev and /sys on as they are; here they hold no devices but
 * the harmless ones, and no control groups. Arguments: a folder for the new /dev, `lo` to bring up a new network's
 * loopback or `-`, a folder for /dev/start and a pipe for /dev/start.out or twice `-`, the files that let a process into
 * its control groups, `--`, the command.
 */
export const namespaceScript = `
set -e
umask 022
dev=$1
[ "$2" != lo ] || ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null || true
start=$3
out=$4
shift 4
while [ "$1" != -- ]; do
  echo 0 > "$1"
  shift
done
shift
mount -t tmpfs -o nosuid,noexec,mode=755,size=64m tmpfs "$dev"
for name in null zero full random urandom tty; do
  [ -e "/dev/$name" ] || continue
  : > "$dev/$name"
  mount --bind "/dev/$name" "$dev/$name"
done
mkdir -m 1777 "$dev/shm"
ln -s /proc/self/fd "$dev/fd"
ln -s fd/0 "$dev/stdin"
ln -s fd/1 "$dev/stdout"
ln -s fd/2 "$dev/stderr"
if [ "$out" != - ]; then
  mkdir "$dev/start"
  mount --bind "$start" "$dev/start"
  mount -o remount,bind,ro,nosuid,nodev "$dev/start"
  : > "$dev/start.out"
  mount --bind "$out" "$dev/start.out"
fi
mount -n --move "$dev" /dev
umount -l -R /sys/fs/cgroup 2>/dev/null || true
exec "$@"
`;
