/* SPDX-License-Identifier: MIT */
#include "textfile.h"

#include "state.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define YOUNG_MS 50

/* The time stamp is not believed while it is so young that a second write could share it. */
static bool is_unchanged(const struct textfile *file, const struct stat *st)
{
    struct timespec now;
    long long age;

    if (!file->known || !file->text || clock_gettime(CLOCK_REALTIME, &now))
        return false;
    age =
        (now.tv_sec - st->st_mtim.tv_sec) * 1000LL + (now.tv_nsec - st->st_mtim.tv_nsec) / 1000000;
    return age > YOUNG_MS && st->st_ino == file->st.st_ino && st->st_dev == file->st.st_dev &&
           st->st_size == file->st.st_size && st->st_mtim.tv_sec == file->st.st_mtim.tv_sec &&
           st->st_mtim.tv_nsec == file->st.st_mtim.tv_nsec;
}

static char *read_all(const char *path, struct stat *st)
{
    char *text = NULL;
    ssize_t length;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    if (fstat(fd, st) == 0)
        text = malloc((size_t)st->st_size + 1);
    if (text) {
        length = read(fd, text, (size_t)st->st_size);
        text[length > 0 ? length : 0] = '\0';
    }
    close(fd);
    return text;
}

bool textfile_refresh(struct textfile *file)
{
    char path[PATH_MAX], *text = NULL;
    struct stat st;
    bool changed;

    if (state_path(path, sizeof(path), file->name))
        return false;
    if (stat(path, &st) == 0) {
        if (is_unchanged(file, &st))
            return false;
        text = read_all(path, &file->st);
    }
    changed = !file->known || !file->text != !text || (text && strcmp(text, file->text) != 0);
    free(file->text);
    file->text = text;
    file->known = true;
    return changed;
}

const char *textfile_next_line(const char *text, char *line, size_t size)
{
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        size_t copied = length < size - 1 ? length : size - 1;

        memcpy(line, text, copied);
        line[copied] = '\0';
        line[strcspn(line, "#")] = '\0';
        text += length + (text[length] == '\n');
        if (line[strspn(line, " \t\r")])
            return text;
    }
    return NULL;
}
