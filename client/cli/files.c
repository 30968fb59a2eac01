/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int files_path(char path[PATH_MAX], const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(path, PATH_MAX, format, args);
    va_end(args);
    if (len >= 0 && len < PATH_MAX)
        return 0;
    path[0] = '\0';
    return -ENAMETOOLONG;
}

int files_line(const char *path, char *text, size_t size)
{
    int rc, file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t len;

    text[0] = '\0';
    if (file < 0)
        return -errno;
    len = read(file, text, size - 1);
    rc = len < 0 ? -errno : 0;
    close(file);
    text[len > 0 ? len : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return rc;
}

int files_lines(const char *path, files_line_fn *fn, void *arg)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    int rc = 0;

    if (file == NULL)
        return -errno;
    while (rc == 0) {
        errno = 0;
        if (getline(&line, &size, file) < 0) {
            rc = -errno;
            break;
        }
        line[strcspn(line, "\n")] = '\0';
        rc = fn(arg, line);
    }
    free(line);
    fclose(file);
    return rc;
}

int files_link(const char *path, char *name, size_t size)
{
    char target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    const char *last;
    int fits;

    name[0] = '\0';
    if (len < 0)
        return -errno;
    target[len] = '\0';
    last = strrchr(target, '/');
    fits = snprintf(name, size, "%s", last != NULL ? last + 1 : target);
    if (fits >= 0 && (size_t)fits < size)
        return 0;
    name[0] = '\0';
    return -ENAMETOOLONG;
}

int files_each(const char *folder, files_fn *fn, void *arg)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int rc = 0;

    if (dir == NULL)
        return -errno;
    while (rc == 0) {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL) {
            rc = -errno;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = fn(arg, folder, entry->d_name);
    }
    closedir(dir);
    return rc;
}
