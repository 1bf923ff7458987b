#!/bin/sh
# Runs a command in a system made by debian-root.sh, with /proc and /dev that vanish
# with it and an environment of its own.
#
#	in-root.sh DIR [NAME=VALUE...] COMMAND...
exec unshare -m sh -ec 'dir=$1
shift
mount -t proc proc "$dir/proc"
mount --rbind /dev "$dir/dev"
exec chroot "$dir" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb "$@"' sh "$@"
