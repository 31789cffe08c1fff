/**
 * What no tool that reads an archive needs: a filter for bubblewrap's `--seccomp` as classic BPF (seccomp(2),
 * linux/filter.h), made here because no library is worth these lines. Everything else is allowed: an allow-list would
 * break with each C library. Numbers: the kernel's syscall_64.tbl and asm-generic/unistd.h.
 */

interface Architecture {
  /** AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 (linux/audit.h). */
  readonly audit: number
  /** Refused with EPERM. */
  readonly refused: Readonly<Record<string, number>>
  readonly clone: number
  /** [number, index of the argument with the flags]. */
  readonly opens: readonly (readonly [number, number])[]
}

/** The same number on both (all that came after 2019). */
const NEWER = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_getfd: 438,
  mount_setattr: 442,
  quotactl_fd: 443,
  memfd_secret: 447,
  fchmodat2: 452,
  setxattrat: 463,
  removexattrat: 466,
  open_tree_attr: 467,
}

const X64: Architecture = {
  audit: 0xc000003e,
  clone: 56,
  opens: [
    [2, 1],
    [257, 2],
  ],
  refused: {
    ...NEWER,
    shmget: 29,
    shmat: 30,
    shmctl: 31,
    socket: 41,
    connect: 42,
    bind: 49,
    socketpair: 53,
    semget: 64,
    msgget: 68,
    truncate: 76,
    creat: 85,
    chmod: 90,
    fchmod: 91,
    chown: 92,
    fchown: 93,
    lchown: 94,
    ptrace: 101,
    syslog: 103,
    mknod: 133,
    personality: 135,
    modify_ldt: 154,
    pivot_root: 155,
    chroot: 161,
    acct: 163,
    mount: 165,
    umount2: 166,
    swapon: 167,
    swapoff: 168,
    reboot: 169,
    iopl: 172,
    ioperm: 173,
    init_module: 175,
    delete_module: 176,
    quotactl: 179,
    setxattr: 188,
    lsetxattr: 189,
    fsetxattr: 190,
    removexattr: 197,
    lremovexattr: 198,
    fremovexattr: 199,
    lookup_dcookie: 212,
    mq_open: 240,
    kexec_load: 246,
    add_key: 248,
    request_key: 249,
    keyctl: 250,
    mknodat: 259,
    fchownat: 260,
    fchmodat: 268,
    unshare: 272,
    vmsplice: 278,
    perf_event_open: 298,
    fanotify_init: 300,
    name_to_handle_at: 303,
    open_by_handle_at: 304,
    setns: 308,
    process_vm_readv: 310,
    process_vm_writev: 311,
    kcmp: 312,
    finit_module: 313,
    memfd_create: 319,
    kexec_file_load: 320,
    bpf: 321,
    userfaultfd: 323,
  },
}

const ARM64: Architecture = {
  audit: 0xc00000b7,
  clone: 220,
  opens: [[56, 2]],
  refused: {
    ...NEWER,
    setxattr: 5,
    lsetxattr: 6,
    fsetxattr: 7,
    removexattr: 14,
    lremovexattr: 15,
    fremovexattr: 16,
    lookup_dcookie: 18,
    mknodat: 33,
    umount2: 39,
    mount: 40,
    pivot_root: 41,
    truncate: 45,
    chroot: 51,
    fchmod: 52,
    fchmodat: 53,
    fchownat: 54,
    fchown: 55,
    quotactl: 60,
    vmsplice: 75,
    acct: 89,
    personality: 92,
    unshare: 97,
    kexec_load: 104,
    init_module: 105,
    delete_module: 106,
    syslog: 116,
    ptrace: 117,
    reboot: 142,
    mq_open: 180,
    msgget: 186,
    semget: 190,
    shmget: 194,
    shmctl: 195,
    shmat: 196,
    socket: 198,
    socketpair: 199,
    bind: 200,
    connect: 203,
    add_key: 217,
    request_key: 218,
    keyctl: 219,
    swapon: 224,
    swapoff: 225,
    perf_event_open: 241,
    fanotify_init: 262,
    name_to_handle_at: 264,
    open_by_handle_at: 265,
    setns: 268,
    process_vm_readv: 270,
    process_vm_writev: 271,
    kcmp: 272,
    finit_module: 273,
    memfd_create: 279,
    bpf: 280,
    userfaultfd: 282,
    kexec_file_load: 294,
  },
}

/** Flags come in a struct that a filter cannot read: "not there", and the C library takes the older call. */
const CLONE3 = 435
const OPENAT2 = 437

/** Every CLONE_NEW* that fits clone(2)'s flags (linux/sched.h). */
const NEW_NAMESPACES = 0x7e02_0000
/** O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE: a tool reads; the sample's own file must not be opened again for writing. */
const WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000

const LOAD_WORD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_AT_LEAST = 0x35
const JUMP_ANY_BIT = 0x45
const RETURN = 0x06

const ALLOW = 0x7fff_0000
const EPERM = 0x0005_0001
const ENOSYS = 0x0005_0026
const KILL_PROCESS = 0x8000_0000

/** struct seccomp_data: nr, arch, instruction pointer, six arguments of 64 bits (their low words suffice: both are little-endian). */
const NUMBER_AT = 0
const ARCH_AT = 4
const argumentAt = (index: number) => 16 + 8 * index

/** x32 calls have this bit; no 64-bit program makes them. */
const X32_BIT = 0x4000_0000

/** The filter's bytes; undefined on a machine that it is not written for. */
export function seccompFilter(arch: string = process.arch): Buffer | undefined {
  if (arch === 'x64') return assemble(X64, true)
  if (arch === 'arm64') return assemble(ARM64, false)
  return undefined
}

function assemble({ audit, refused, clone, opens }: Architecture, hasX32: boolean): Buffer {
  return Buffer.concat([
    instruction(LOAD_WORD, ARCH_AT),
    instruction(JUMP_EQUAL, audit, { yes: 1 }),
    instruction(RETURN, KILL_PROCESS),
    instruction(LOAD_WORD, NUMBER_AT),
    ...(hasX32 ? [instruction(JUMP_AT_LEAST, X32_BIT, { no: 1 }), instruction(RETURN, KILL_PROCESS)] : []),
    ...Object.values(refused).flatMap((number) => answer(number, EPERM)),
    ...answer(CLONE3, ENOSYS),
    ...answer(OPENAT2, ENOSYS),
    ...refuseFlags(clone, 0, NEW_NAMESPACES),
    ...opens.flatMap(([number, argument]) => refuseFlags(number, argument, WRITING)),
    instruction(RETURN, ALLOW),
  ])
}

function answer(number: number, value: number): Buffer[] {
  return [instruction(JUMP_EQUAL, number, { no: 1 }), instruction(RETURN, value)]
}

function refuseFlags(number: number, argument: number, flags: number): Buffer[] {
  return [
    instruction(JUMP_EQUAL, number, { no: 4 }),
    instruction(LOAD_WORD, argumentAt(argument)),
    instruction(JUMP_ANY_BIT, flags, { no: 1 }),
    instruction(RETURN, EPERM),
    instruction(RETURN, ALLOW),
  ]
}

/** struct sock_filter: code, instructions to skip where it holds and where not, constant. */
function instruction(code: number, constant: number, { yes = 0, no = 0 } = {}): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes[2] = yes
  bytes[3] = no
  bytes.writeUInt32LE(constant >>> 0, 4)
  return bytes
}
