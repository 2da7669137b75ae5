# Mounts that spread: shared, slave, private and unbindable; binds, moves, remounts, lazy unmounts. Run in a mount
# namespace of its own. Each step tells what /proc/self/mountinfo shows below the directory.
top=/tmp/mounts-test
mkdir -p $top && mount -t tmpfs base $top && cd $top && mount --make-private $top

show() {
  echo "-- $1"
  awk -v top=$top 'index($5, top) == 1 {
    tags = ""
    for (i = 7; $i != "-"; i++) tags = tags " " $i
    gsub(/:[0-9]+/, ":N", tags)
    print $4, $5, $6, tags, "-", $(i + 1), $(i + 2)
  }' /proc/self/mountinfo
}

mkdir a b c d e
mount -t tmpfs A a
mount --make-shared a
mkdir a/x a/y a/x/deep
mount --bind a b
mount --bind a c
mount --make-slave c
show "peers and a slave"
mount -t tmpfs T b/x
mkdir b/x/in
show "mounted under one of the peers"
mount -t tmpfs S c/y
show "mounted under the slave"
mount --make-shared c
mount --bind c d
mount -t tmpfs U a/y
show "a slave that is shared, and something on its mount point already"
umount a/x
show "unmounted under the other peer"
mount --rbind a e
show "bound with all that is below"
umount e/y
show "what lay above is back at its place"
umount -l a
show "one peer is gone"
mount --make-rprivate $top
show "all private"
mount --make-unbindable b
mount --bind b e 2>/dev/null; echo "binding an unbindable one: $?"
mkdir f
mount --rbind $top f
show "bound without the unbindable one"
umount -R f
show "and gone"
mkdir m
mount -t tmpfs M m
mkdir m/k
mount -t tmpfs K m/k
mkdir n
mount --move m n
show "moved"
ls n m
mount -o remount,ro n
touch n/z 2>/dev/null; echo "writing to a read-only one: $?"
mount -o remount,rw,noexec n
show "remounted"
touch n/z && echo wrote
umount n 2>/dev/null; echo "unmounting with something below: $?"
umount n/k n
show "unmounted"
mount -t tmpfs Z n
cd n
mkdir q
cd q
umount $top/n 2>/dev/null; echo "unmounting a working directory: $?"
umount -l $top/n
/bin/pwd
cd .. && ls
cd /
mount --bind /etc/passwd $top/c 2>/dev/null; echo "a file on a directory: $?"
touch $top/file
mount --bind /etc/passwd $top/file; echo "a file on a file: $?"
cmp /etc/passwd $top/file && echo same
rm $top/file 2>/dev/null; echo "removing a mount point: $?"
unshare -m sh -c "umount $top/file; rm $top/file && ls $top"
ls $top/file 2>/dev/null; echo "a mount point removed elsewhere: $?"
show "that mount went with it"
umount -R $top
show "gone"
