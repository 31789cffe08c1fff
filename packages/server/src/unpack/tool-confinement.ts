/** File descriptors that bubblewrap is started with, beside the three of every process. */
const INPUT_FD = 3
const PROGRAM_FD = 4
export const STATUS_FD = 5
export const FILTER_FD = 6

/** Address space of each process of a tool: dictionaries of 7z and RAR that people use fit in. */
const MEMORY_BYTES = 1024 ** 3
/** Processes and threads of one run together (on kernels before 5.14: of the whole uid). */
const MAX_PROCESSES = 32
const MAX_OPEN_FILES = 32

const PROGRAM_PLACE = '/tool'

/**
 * bubblewrap's argv (bwrap(1), 0.5 or later). The root is an empty tmpfs, closed for writing once it is laid out: system
 * libraries, the program, a /proc of its own namespace and /dev/null; no /etc, no /tmp, nothing of the host's data.
 */
export function confinedArguments({
  prlimit,
  inputPath,
  script,
  args,
  cpuSeconds,
}: {
  readonly prlimit: string
  readonly inputPath: string
  readonly script: string
  readonly args: readonly string[]
  readonly cpuSeconds: number
}): string[] {
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...['--clearenv', '--setenv', 'LC_ALL', 'C.UTF-8', '--setenv', 'PATH', '/usr/bin:/bin'],
    ...['--ro-bind', '/usr', '/usr'],
    ...['/bin', '/lib', '/lib64'].flatMap((place) => ['--ro-bind-try', place, place]),
    ...['--dev-bind', '/dev/null', '/dev/null', '--proc', '/proc'],
    ...['--symlink', `/proc/self/fd/${INPUT_FD}`, inputPath],
    // By its bytes, so that it also runs where its folder is closed for this user.
    ...['--perms', '0555', '--ro-bind-data', String(PROGRAM_FD), PROGRAM_PLACE],
    ...['--json-status-fd', String(STATUS_FD), '--seccomp', String(FILTER_FD)],
    ...['--remount-ro', '/', '--chdir', '/', '--'],
    ...[prlimit, `--as=${MEMORY_BYTES}`, `--cpu=${cpuSeconds}`, `--nproc=${MAX_PROCESSES}`],
    ...[`--nofile=${MAX_OPEN_FILES}`, '--fsize=0', '--core=0', '--memlock=0', '--'],
    ...['/bin/sh', '-c', script, 'sh', PROGRAM_PLACE, ...args],
  ]
}
