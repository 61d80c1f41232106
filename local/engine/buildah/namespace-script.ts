import { smallDev } from "../built-in/small-dev.ts";

/**
 * Runs with the machine's own shell inside fresh mount, process, IPC and host name namespaces, and ends by becoming
 * buildah. Buildah's chroot isolation hands the machine's /dev and /sys on as they are; here they hold no devices but
 * the harmless ones, and no control groups. Arguments: a folder for the new /dev, `lo` to bring up a new network's
 * loopback or `-`, a folder for /dev/start and a pipe for /dev/start.out or twice `-`, the files that let a process into
 * its control groups, `--`, the command.
 */
export const namespaceScript = `
${smallDev}
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
small_dev "$dev"
if [ "$out" != - ]; then
  mkdir "$dev/start"
  mount --bind "$start" "$dev/start"
  mount -o remount,bind,ro,nosuid,nodev "$dev/start"
  : > "$dev/start.out"
  mount --bind "$out" "$dev/start.out"
fi
mount -n --move "$dev" /dev
exec < /dev/null
mount -o remount,bind,ro,nosuid,nodev,noexec /proc
umount -l -R /sys/fs/cgroup 2>/dev/null || true
exec "$@"
`;
