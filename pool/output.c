/*
 * output.c - what tasks print on stdout: it leaves when they return, in one piece.
 *
 * Workers have a larger buffer for it. It is looked at after each item, and written if there is anything in it. Other
 * streams, and those of C++ that have a buffer of their own, are not looked at.
 */
#define _GNU_SOURCE
#include "inside.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define OUTPUT ((size_t)1 << 16)

void output_widen(void)
{
    size_t size = __fbufsize(stdout);
    if (__flbf(stdout) || isatty(STDOUT_FILENO) || size == 1 || size >= OUTPUT) /* by lines, at once, or large enough */
        return;
    void *buffer = mmap(NULL, OUTPUT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED)
        return;
    fseek(stdout, 0,
          SEEK_CUR); /* it goes nowhere, but else the end of the old buffer is taken for that of the new one */
    setvbuf(stdout, buffer, _IOFBF, OUTPUT);
}

/* A pipe or terminal that does not wait is opened once more: the C library forgets what it could not write at once.
 * With no stdout at all nobody wanted to see it. */
int output_leave(int status)
{
    if (!has_printed())
        return status;
    int fd = fileno(stdout), flags = fcntl(fd, F_GETFL);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = flags >= 0 && flags & O_NONBLOCK ? open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC) : -1;
    if (again >= 0) {
        dup2(again, fd);
        close(again);
    }
    if (fflush(stdout) == 0 || errno == EBADF)
        return status;
    int error = errno;
    clearerr(stdout);
    return status ? status : pool_fail("what it printed could not be written: %s", strerror(error));
}
