/* SPDX-License-Identifier: MIT */
#include "observe/toolstack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complaints.h"
#include "parse/devicetree.h"

/* libxl's own files are some kilobytes; a partial device tree is bounded by its parser. */
#define RECORD_MAX_SIZE (4U * 1024 * 1024)

struct toolstack_observer {
    char *directory;
    const char *sysroot; /* the prefix of directory */
    size_t sysroot_length;
    int inotify;
    struct dt_records current;
    struct complaints complaints;
};

/* What one reading of the directory collects. */
struct reading {
    const struct toolstack_observer *observer;
    struct dt_records records;
    struct complaints complaints;
    size_t capacity;
};

static void records_clear(struct dt_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        free(records->records[i].path);
        free(records->records[i].guest_path);
    }
    free(records->records);
    *records = (struct dt_records){NULL, 0};
}

/* The whole of a regular file, NUL-terminated. 0 or a negative errno. */
static int read_file(const char *path, char **text, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t used = 0;
    int rc = 0;

    *text = NULL;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st))
        rc = -errno;
    else if (!S_ISREG(st.st_mode) || st.st_size < 0 || st.st_size > (off_t)RECORD_MAX_SIZE)
        rc = -EFBIG;
    if (rc == 0 && !(*text = malloc((size_t)st.st_size + 1)))
        rc = -ENOMEM;
    while (rc == 0 && used < (size_t)st.st_size) {
        ssize_t got = read(fd, *text + used, (size_t)st.st_size - used);

        if (got < 0 && errno != EINTR)
            rc = -errno;
        if (got == 0)
            break;
        used += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (rc < 0) {
        free(*text);
        *text = NULL;
        return rc;
    }
    (*text)[used] = '\0';
    *size = used;
    return 0;
}

/* ------------------------------------------------------------- the guest's own path */

static const char *base_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* The node of the partial tree that says it is this host's node, or else the only one of the same
 * name and unit address; NULL when there is none, or more than one. */
static const char *find_guest_path(const struct devicetree *partial, const char *host_path)
{
    const char *by_name = NULL, *by_word = NULL;
    size_t names = 0, words = 0;

    for (size_t i = 0; i < partial->count; i++) {
        const struct dt_device *node = &partial->devices[i];

        if (node->xen_path && strcmp(node->xen_path, host_path) == 0) {
            by_word = node->path;
            words++;
        }
        if (!node->xen_path && strcmp(base_name(node->path), base_name(host_path)) == 0) {
            by_name = node->path;
            names++;
        }
    }
    if (words)
        return words == 1 ? by_word : NULL;
    return names == 1 ? by_name : NULL;
}

/* NULL where the configuration names none, or it cannot be read: the host's paths serve then. */
static int read_partial(struct reading *reading, struct json_object *root, const char *record,
                        struct devicetree **partial)
{
    struct json_object *info, *name;
    char path[PATH_MAX], *blob;
    size_t size;
    int rc;

    *partial = NULL;
    if (!json_object_object_get_ex(root, "b_info", &info) ||
        !json_object_object_get_ex(info, "device_tree", &name) ||
        !json_object_is_type(name, json_type_string))
        return 0;
    snprintf(path, sizeof(path), "%.*s%s", (int)reading->observer->sysroot_length,
             reading->observer->sysroot, json_object_get_string(name));
    rc = read_file(path, &blob, &size);
    if (rc == 0) {
        rc = devicetree_parse(blob, size, partial);
        free(blob);
    }
    if (rc < 0 && rc != -ENOMEM) {
        complain(&reading->complaints, &reading->observer->complaints,
                 "%s: its partial device tree %s: %s", record, path, strerror(-rc));
        rc = 0;
    }
    return rc;
}

/* ------------------------------------------------------------- one record */

static int add_record(struct reading *reading, const char *path, const struct devicetree *partial,
                      uint32_t domid, const uint8_t handle[16])
{
    const char *guest_path = partial ? find_guest_path(partial, path) : NULL;
    struct dt_record *record;

    if (reading->records.count == reading->capacity) {
        size_t capacity = reading->capacity ? 2 * reading->capacity : 16;
        void *grown =
            reallocarray(reading->records.records, capacity, sizeof(*reading->records.records));

        if (!grown)
            return -ENOMEM;
        reading->records.records = grown;
        reading->capacity = capacity;
    }
    record = &reading->records.records[reading->records.count];
    *record = (struct dt_record){.path = strdup(path), .domid = domid};
    memcpy(record->handle, handle, sizeof(record->handle));
    if (guest_path)
        record->guest_path = strdup(guest_path);
    reading->records.count++;
    return record->path && (!guest_path || record->guest_path) ? 0 : -ENOMEM;
}

static int add_devices(struct reading *reading, struct json_object *devices, const char *name,
                       const struct devicetree *partial, uint32_t domid, const uint8_t handle[16])
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < json_object_array_length(devices); i++) {
        struct json_object *path;

        if (json_object_object_get_ex(json_object_array_get_idx(devices, i), "path", &path) &&
            json_object_is_type(path, json_type_string) && json_object_get_string(path)[0] == '/')
            rc = add_record(reading, json_object_get_string(path), partial, domid, handle);
        else
            complain(&reading->complaints, &reading->observer->complaints,
                     "%s: entry %zu of dtdevs has no path, ignored", name, i);
    }
    return rc;
}

static int read_record(struct reading *reading, const char *name, uint32_t domid,
                       const uint8_t handle[16])
{
    struct json_object *root = NULL, *devices;
    struct devicetree *partial = NULL;
    char path[PATH_MAX], *text;
    size_t size;
    int rc;

    snprintf(path, sizeof(path), "%s/%s", reading->observer->directory, name);
    rc = read_file(path, &text, &size);
    if (rc == -ENOENT)
        return 0;
    if (rc == -ENOMEM)
        return rc;
    if (rc == 0) {
        root = json_tokener_parse(text);
        free(text);
    }
    if (!root) {
        complain(&reading->complaints, &reading->observer->complaints, "%s: %s", path,
                 rc < 0 ? strerror(-rc) : "not JSON, ignored");
        return 0;
    }
    rc = 0;
    if (json_object_object_get_ex(root, "dtdevs", &devices) &&
        json_object_is_type(devices, json_type_array)) {
        rc = read_partial(reading, root, path, &partial);
        if (rc == 0)
            rc = add_devices(reading, devices, path, partial, domid, handle);
    }
    devicetree_free(partial);
    json_object_put(root);
    return rc;
}

/* ------------------------------------------------------------- the directory */

static bool parse_uuid(const char *text, uint8_t handle[16])
{
    size_t digits = 0;

    for (; *text && digits < 32; text++) {
        unsigned int value;

        if (*text == '-')
            continue;
        if (*text >= '0' && *text <= '9')
            value = (unsigned int)(*text - '0');
        else if (*text >= 'a' && *text <= 'f')
            value = (unsigned int)(*text - 'a' + 10);
        else
            return false;
        handle[digits / 2] = (uint8_t)(digits % 2 ? handle[digits / 2] | value : value << 4);
        digits++;
    }
    return digits == 32 && !*text;
}

/* "userdata-d.DOMID.UUID.libxl-json" and nothing else: libxl writes a ".new" beside it first. */
static bool parse_name(const char *name, uint32_t *domid, uint8_t handle[16])
{
    char uuid[37];
    unsigned int number;
    int end = 0;

    if (sscanf(name, "userdata-d.%5u.%36[0-9a-f-].libxl-json%n", &number, uuid, &end) != 2 ||
        !end || name[end] || !parse_uuid(uuid, handle))
        return false;
    *domid = number;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct dt_record *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order ? order : x->domid < y->domid ? -1 : x->domid > y->domid;
}

static int read_directory(struct reading *reading)
{
    DIR *directory = opendir(reading->observer->directory);
    struct dirent *entry;
    int rc = 0;

    if (!directory)
        return errno == ENOENT ? 0 : -errno;
    while (rc == 0 && (errno = 0, entry = readdir(directory))) {
        uint8_t handle[16];
        uint32_t domid;

        if (parse_name(entry->d_name, &domid, handle))
            rc = read_record(reading, entry->d_name, domid, handle);
    }
    if (rc == 0 && errno)
        rc = -errno;
    closedir(directory);
    return rc;
}

int toolstack_observer_refresh(struct toolstack_observer *observer)
{
    struct reading reading = {.observer = observer};
    int rc = read_directory(&reading);

    if (rc < 0) {
        records_clear(&reading.records);
        complaints_clear(&reading.complaints);
        return rc;
    }
    if (reading.records.count)
        qsort(reading.records.records, reading.records.count, sizeof(*reading.records.records),
              compare);
    records_clear(&observer->current);
    complaints_clear(&observer->complaints);
    observer->current = reading.records;
    observer->complaints = reading.complaints;
    return 0;
}

static int watch(struct toolstack_observer *observer)
{
    observer->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (observer->inotify < 0)
        return -errno;
    if (inotify_add_watch(observer->inotify, observer->directory,
                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) >= 0)
        return 0;
    /* Without libxl there is nothing to read. */
    if (errno != ENOENT)
        return -errno;
    close(observer->inotify);
    observer->inotify = -1;
    return 0;
}

int toolstack_observer_open(struct toolstack_observer **out, const char *sysroot)
{
    struct toolstack_observer *observer = calloc(1, sizeof(*observer));
    int rc = -ENOMEM;

    *out = NULL;
    if (!observer)
        return -ENOMEM;
    observer->inotify = -1;
    if (asprintf(&observer->directory, "%s/var/lib/xen", sysroot) < 0)
        observer->directory = NULL;
    else {
        observer->sysroot = observer->directory;
        observer->sysroot_length = strlen(sysroot);
        rc = watch(observer);
    }
    if (rc == 0)
        rc = toolstack_observer_refresh(observer);
    if (rc < 0) {
        toolstack_observer_close(observer);
        return rc;
    }
    *out = observer;
    return 0;
}

void toolstack_observer_close(struct toolstack_observer *observer)
{
    if (!observer)
        return;
    if (observer->inotify >= 0)
        close(observer->inotify);
    records_clear(&observer->current);
    complaints_clear(&observer->complaints);
    free(observer->directory);
    free(observer);
}

int toolstack_observer_fd(const struct toolstack_observer *observer)
{
    return observer->inotify;
}

bool toolstack_observer_dispatch(struct toolstack_observer *observer)
{
    char events[4096] __attribute__((aligned(8)));
    bool any = false;

    /* What happened to which file does not matter: they are few, and read all again. */
    while (read(observer->inotify, events, sizeof(events)) > 0)
        any = true;
    return any;
}

const struct dt_records *toolstack_observer_get(const struct toolstack_observer *observer)
{
    return &observer->current;
}
