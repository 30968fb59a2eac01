/* SPDX-License-Identifier: MIT */
#include "daemon_numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xeniommu-schema.h>

/* As daemon/counters.h writes it: names, so that daemon and command can be of two versions. */
#define MAGIC    "xi-count"
#define VERSION  1
#define ATTEMPTS 16

struct file {
    char magic[8];
    uint32_t version;
    uint32_t count;
    struct {
        char name[24];
        uint64_t value;
    } entries[DAEMON_NUMBERS_MAX];
};

/* The numbers move while they are read: two readings that are equal are whole. */
static ssize_t read_whole(int fd, struct file *file)
{
    struct file again;
    ssize_t size = pread(fd, file, sizeof(*file), 0);
    int i;

    for (i = 0; size > 0 && i < ATTEMPTS; i++) {
        if (pread(fd, &again, sizeof(again), 0) == size && memcmp(file, &again, (size_t)size) == 0)
            return size;
        memcpy(file, &again, (size_t)size);
    }
    return -1;
}

static void take(const struct file *file, size_t size, struct daemon_numbers *numbers)
{
    size_t head = sizeof(*file) - sizeof(file->entries), i;

    if (size < head || memcmp(file->magic, MAGIC, sizeof(file->magic)) != 0 ||
        file->version != VERSION)
        return;
    for (i = 0; i < file->count && head + (i + 1) * sizeof(file->entries[0]) <= size; i++) {
        memcpy(numbers->entries[i].name, file->entries[i].name, sizeof(file->entries[i].name));
        numbers->entries[i].name[sizeof(numbers->entries[i].name) - 1] = '\0';
        numbers->entries[i].value = file->entries[i].value;
    }
    numbers->count = i;
}

int daemon_numbers_read(struct store *store, struct daemon_numbers *numbers)
{
    struct file file = {.version = 0};
    struct store_value lock;
    char *path = NULL;
    ssize_t size = -1;
    int fd, rc = store_read(store, XENIOMMU_HOST_DIR "/" XENIOMMU_LOCK_NODE, &lock);

    *numbers = (struct daemon_numbers){0};
    if (rc != 0)
        return rc == -ENOENT || rc == -EACCES ? 0 : rc;
    if (lock.data[0] != '/' || strlen(lock.data) != lock.len ||
        asprintf(&path, "%s.counters", lock.data) < 0)
        path = NULL;
    free(lock.data);
    fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY) : -1;
    free(path);
    if (fd < 0)
        return 0;
    size = read_whole(fd, &file);
    close(fd);
    if (size > 0)
        take(&file, (size_t)size, numbers);
    return 0;
}

bool daemon_number(const struct daemon_numbers *numbers, const char *name, uint64_t *value)
{
    size_t i;

    for (i = 0; i < numbers->count; i++)
        if (strcmp(numbers->entries[i].name, name) == 0) {
            *value = numbers->entries[i].value;
            return true;
        }
    return false;
}
