/* SPDX-License-Identifier: MIT */
/* A folder of a fuzz target's own, in memory where the machine has such a place; it is removed when
 * the target ends well. */
#ifndef XI_TESTS_FUZZ_FOLDER_H
#define XI_TESTS_FUZZ_FOLDER_H

#include "fuzz.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char fuzz_folder[64];

static int fuzz_folder_drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void fuzz_folder_remove(void)
{
    nftw(fuzz_folder, fuzz_folder_drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes it. Call it once. */
static inline char *fuzz_folder_make(void)
{
    snprintf(fuzz_folder, sizeof(fuzz_folder), "%s/xi-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(fuzz_folder) != NULL);
    require(atexit(fuzz_folder_remove) == 0);
    return fuzz_folder;
}

/* Makes a folder below it. */
static inline void fuzz_folder_enter(const char *folder, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s%s", folder, name);
    require(mkdir(path, 0700) == 0);
}

static inline void fuzz_folder_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "we");

    require(file != NULL);
    require(fwrite(bytes, 1, size, file) == size);
    require(fclose(file) == 0);
}

#endif
