/* SPDX-License-Identifier: MIT */
#include "owner.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

void owner_init(struct owner *owner)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    bool *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *owner = (struct owner){.pid = getpid()};
    if (page == MAP_FAILED)
        return;
    /* An emulator that ignores advice accepts any. */
    if (madvise(page, size, -1) == 0 || madvise(page, size, MADV_WIPEONFORK) != 0) {
        munmap(page, size);
        return;
    }
    *page = true;
    owner->alive = page;
}

bool owner_is_here(const struct owner *owner)
{
    return owner->alive != NULL ? *owner->alive : owner->pid == getpid();
}

void owner_free(struct owner *owner)
{
    if (owner->alive != NULL)
        munmap((void *)owner->alive, (size_t)sysconf(_SC_PAGESIZE));
    owner->alive = NULL;
}
