// Package process starts one child program and makes sure that it ends.
//
// A child is started with a process group of its own, its standard input is a
// pipe that is held open and never written, and its two outputs are pipes that
// the caller reads. [Process.Signal], [Process.Kill] and [Process.Stop] reach
// the whole group, so that the children of the child are included.
//
// # Nobody outlives anybody
//
// Three things end a child whose parent is gone, however it went:
//
//   - on Linux the parent-death signal, SIGKILL, which the kernel sends to the
//     child itself, unless it executes a program with set-user-id or file
//     capabilities;
//   - the end of file on its standard input, which every descendant that
//     inherited it can see too;
//   - with [Config.Guard] a guardian: a sleeping shell, in a session of its
//     own, that kills the rest of the group and removes [Config.RemoveOnDeath]
//     when its pipe to this process breaks.
//
// On Windows a job object does the work of all three, except that it removes
// no directory.
//
// Out of reach is a descendant that left the process group on purpose, by
// setsid or setpgid, and ignores its standard input: that is a daemon.
//
// # What a child inherits
//
// As with os/exec: no file that this process opened, but those that it was
// itself started with beyond the standard three, so that a shell's <(command)
// works; and the signals that it ignores. A process that ignores SIGINT for
// itself only should receive it with signal.Notify and do nothing: what
// signal.Ignore ignores, the child ignores too. The guardian inherits no file.
//
// # Identity
//
// Process and group ids are reused by the system. Here a group is signalled
// only while its leader is running or is a zombie that nobody has reaped, for
// so long its id cannot be given to anybody else: the leader's exit is observed
// without reaping it, then what is left of its group is killed, then the
// guardian is told to forget the id, and only then the leader is reaped.
package process
