"""Give up everything that decoding does not need, for good. Linux has the most to give up; see decision 7.

Everything here is about the process that calls it. It must have one thread and must have imported what it needs.
"""

import ctypes
import errno
import os
import platform
import resource
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

from matching.decoding.frames import Confinement
from matching.decoding.limits import Limits

NOBODYS = 64_907  # a user and group that owns nothing, and unlike `nobody` runs no other service
CPU_SECONDS = 1_800  # of a whole life; the parent ends it long before

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2

# Memory, time, the socket it was given, threads, and its own end. None of them can open, connect, execute, trace,
# signal or make a process. In order: read, write, close, fstat, lseek, munmap, brk, mremap, madvise, rt_sigaction,
# rt_sigprocmask, rt_sigreturn, setitimer, exit, exit_group, futex, clock_gettime, clock_nanosleep, gettimeofday,
# getrandom, sched_yield, restart_syscall, getrusage, membarrier, set_robust_list, rseq.
ALLOWED = {
    "x86_64": (
        *(0, 1, 3, 5, 8, 11, 12, 25, 28, 13, 14, 15, 38, 60, 231, 202, 228, 230, 96, 318, 24, 219, 98, 324, 273, 334),
    ),
    "aarch64": (
        *(63, 64, 57, 80, 62, 215, 214, 216, 233, 134, 135, 139, 103, 93, 94, 98, 113, 115, 169, 278, 124, 128),
        *(165, 283, 99, 293),
    ),
}
MAPPING = {"x86_64": (9, 10), "aarch64": (222, 226)}  # mmap, mprotect: never of memory that can be executed
CLONE = {"x86_64": 56, "aarch64": 220}  # for threads alone, one of which the HEIF decoder insists on
CLONE3 = 435  # hides its flags from a filter; said not to exist, so that the C library takes the other
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PROT_EXEC, CLONE_THREAD = 0x4, 0x10000
# Of struct seccomp_data: number of the call, architecture, the low halves of the first and the third argument.
NUMBER, ARCHITECTURE, FIRST, THIRD = 0, 4, 16, 32
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE, ABSENT, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS, 0x80000000


def confine(limits: Limits) -> Confinement:
    unnetworked = leave_network()
    with suppress(OSError):
        drop_root()
    set_limits(limits)
    memory = resource.getrlimit(resource.RLIMIT_AS)[0] == limits.memory
    filter_calls()
    return found(unnetworked, memory)


def leave_network() -> bool:
    """Into a network of its own that has no interface but a dead loopback. Root may; others where users may nest."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    nested = 0 if os.geteuid() == 0 else CLONE_NEWUSER
    return bool(libc.unshare(nested | CLONE_NEWNET) == 0)


def drop_root() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODYS, NOBODYS, NOBODYS)
        os.setresuid(NOBODYS, NOBODYS, NOBODYS)


def set_limits(limits: Limits) -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),  # a core file would hold the photo
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, limits.memory),
    ):
        with suppress(ValueError, OSError):  # where the system has no such limit
            resource.setrlimit(what, (most, most))


def filter_calls() -> bool:
    """Every system call but those of ALLOWED fails from here on, whoever makes it, in this process and its threads."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in ALLOWED:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    program = calls_allowed(machine)
    buffer = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filters, 0, 0) == 0)


def calls_allowed(machine: str) -> bytes:
    """The filter as a program of the kernel's classic BPF: eight bytes a step, jumps counted from the next one."""
    steps = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    for call in MAPPING[machine]:
        steps += [(EQUAL, 0, 4, call), (LOAD, 0, 0, THIRD), (ANY_BIT, 0, 1, PROT_EXEC)]
        steps += [(RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
    steps += [(EQUAL, 0, 4, CLONE[machine]), (LOAD, 0, 0, FIRST), (ANY_BIT, 1, 0, CLONE_THREAD)]
    steps += [(RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW), (EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ABSENT)]
    for call in ALLOWED[machine]:
        steps += [(EQUAL, 0, 1, call), (RETURN, 0, 0, ALLOW)]
    steps.append((RETURN, 0, 0, REFUSE))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def found(unnetworked: bool, memory: bool) -> Confinement:
    """By trying: what a kernel or a container took back does not count."""
    filtered = [name for name, held in (("filter", no_sockets()), ("namespace", unnetworked)) if held]
    return Confinement(" and ".join(filtered), "filter" if no_files() else "limits", memory)


def no_sockets() -> bool:
    try:
        socket.socket().close()
    except PermissionError:
        return True
    except OSError:  # no more files may be opened, which a thief of another file could get around
        return False
    return False


def no_files() -> bool:
    try:
        Path("/").stat()
    except PermissionError:
        return True
    return False
