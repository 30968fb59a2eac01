/* SPDX-License-Identifier: MIT */
#include "observe/toolstack.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complaints.h"
#include "observe/directory_watch.h"
#include "observe/guest_tree.h"
#include "observe/partial_name.h"
#include "observe/whole_file.h"

#define UUID_TEXT_SIZE 37

struct toolstack_observer {
    char *directory;
    char *sysroot;         /* the prefix of what is read */
    struct opener *opener; /* the caller's, or NULL */
    birth_fn *birth;       /* or NULL */
    void *birth_arg;
    struct directory_watch watch;
    struct guest_trees trees;
    struct dt_records current;
    struct complaints complaints;
    bool wants_refresh;
    bool begun;  /* they were read once */
    bool listed; /* all records that were there are known, and what came since is told */
};

/* What one reading of the directory collects. */
struct reading {
    struct toolstack_observer *observer;
    struct dt_records records;
    struct complaints complaints;
    size_t capacity, unread_capacity;
    bool unsettled; /* a domain's partial tree could not be read, but may be */
    bool there;     /* the directory */
};

/* One record, while it is read. */
struct source {
    char path[PATH_MAX];
    char uuid[UUID_TEXT_SIZE];
    uint32_t domid;
    uint8_t handle[16];
    struct guest_tree *tree;
};

static void records_clear(struct dt_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        free(records->records[i].path);
        free(records->records[i].guest_path);
    }
    free(records->records);
    free(records->unread);
    *records = (struct dt_records){NULL, 0, NULL, 0, false};
}

/* The items with room for one more, NULL when memory is short: the old ones are the caller's still.
 */
static void *with_room(void *items, size_t size, size_t count, size_t *capacity)
{
    size_t more = *capacity ? 2 * *capacity : 16;
    void *grown;

    if (count < *capacity)
        return items;
    grown = reallocarray(items, more, size);
    if (grown)
        *capacity = more;
    return grown;
}

/* ------------------------------------------------------------- one record */

static int add_unread(struct reading *reading, const struct source *source)
{
    struct dt_records *records = &reading->records;
    struct dt_unread *unread = with_room(records->unread, sizeof(*unread), records->unread_count,
                                         &reading->unread_capacity);

    if (!unread)
        return -ENOMEM;
    records->unread = unread;
    unread = &records->unread[records->unread_count++];
    unread->domid = source->domid;
    memcpy(unread->handle, source->handle, sizeof(unread->handle));
    return 0;
}

/* It cannot be used, for this reason. */
static int refuse(struct reading *reading, const struct source *source, const char *why)
{
    complain(&reading->complaints, &reading->observer->complaints, "%s: %s", source->path, why);
    return add_unread(reading, source);
}

static int add_record(struct reading *reading, const struct source *source, const char *path)
{
    const char *guest_path;
    enum dt_guest_path where = guest_tree_find(source->tree, path, &guest_path);
    struct dt_records *records = &reading->records;
    struct dt_record *record;

    if (where == GUEST_PATH_UNKNOWN && source->tree->where == GUEST_PATH_KNOWN)
        complain(&reading->complaints, &reading->observer->complaints,
                 "%s: in its partial device tree, no node or several have xen,path %s",
                 source->path, path);
    record = with_room(records->records, sizeof(*record), records->count, &reading->capacity);
    if (!record)
        return -ENOMEM;
    records->records = record;
    record = &records->records[records->count++];
    *record = (struct dt_record){.path = strdup(path), .where = where, .domid = source->domid};
    memcpy(record->handle, source->handle, sizeof(record->handle));
    if (guest_path)
        record->guest_path = strdup(guest_path);
    return record->path && (!guest_path || record->guest_path) ? 0 : -ENOMEM;
}

static int add_devices(struct reading *reading, const struct source *source,
                       struct json_object *devices)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < json_object_array_length(devices); i++) {
        struct json_object *member;
        const char *path = NULL;
        char why[64];

        if (json_object_object_get_ex(json_object_array_get_idx(devices, i), "path", &member))
            path = record_text(member);
        snprintf(why, sizeof(why), "entry %zu of dtdevs has no path", i);
        rc = path && path[0] == '/' ? add_record(reading, source, path)
                                    : refuse(reading, source, why);
    }
    return rc;
}

/* ------------------------------------------------------------- its partial device tree */

static int open_record(const struct toolstack_observer *observer, uint32_t domid,
                       const uint8_t handle[16])
{
    struct opener_request request = {.kind = OPENER_RECORD, .domid = domid};

    memcpy(request.uuid, handle, sizeof(request.uuid));
    return opener_open(observer->opener, observer->sysroot, &request, NULL);
}

/* Some moment after which the domain's partial tree was read. The record is written at the end of
 * making a domain, and anew with each change of its configuration: its own time tells that where it
 * was seen to appear, and has to do at the start where nobody keeps another. False where nothing
 * tells. */
static bool made_before(const struct reading *reading, const struct source *source,
                        const struct stat *record, struct timespec *born)
{
    const struct toolstack_observer *observer = reading->observer;
    int rc = observer->birth ? observer->birth(observer->birth_arg, source->handle, born) : -ENOENT;

    if (rc == 0)
        return true;
    if (!record || !(observer->listed || (rc == -ENOENT && !observer->begun)))
        return false;
    *born = record->st_mtim;
    return true;
}

/* Of every domain that has a record, whatever that says: it may say more later. record: NULL where
 * it could not be read. */
static int find_tree(struct reading *reading, struct source *source, const struct stat *record)
{
    struct guest_trees *trees = &reading->observer->trees;
    struct guest_tree *tree = guest_trees_find(trees, source->domid, source->handle);
    struct timespec born;

    if (!tree)
        tree = guest_trees_add(trees, source->domid, source->handle,
                               made_before(reading, source, record, &born) ? &born : NULL);
    if (!tree)
        return -ENOMEM;
    tree->seen = true;
    source->tree = tree;
    return 0;
}

static int settle_tree(struct reading *reading, struct source *source, struct json_object *root)
{
    struct toolstack_observer *observer = reading->observer;
    struct guest_tree *tree = source->tree;
    const char *name, *problem = NULL;
    int rc = 0;

    if (tree->settled)
        return 0;
    if (partial_name(root, &name)) {
        rc = guest_tree_settle(tree, observer->opener, observer->sysroot, name, &problem);
    } else {
        guest_tree_give_up(tree);
        name = "device_tree";
        problem = "is no name";
    }
    if (rc == -ENOMEM)
        return rc;
    if (rc < 0) {
        reading->unsettled = true;
        problem = strerror(-rc);
    }
    if (problem)
        complain(&reading->complaints, &observer->complaints,
                 "%s: its partial device tree %s: %s: where its devices are is not known",
                 source->path, name, problem);
    return 0;
}

/* ------------------------------------------------------------- */

static int take_root(struct reading *reading, struct source *source, struct json_object *root)
{
    struct json_object *devices;
    int rc;

    if (!json_object_object_get_ex(root, "dtdevs", &devices) || !devices)
        return 0;
    if (!json_object_is_type(devices, json_type_array))
        return refuse(reading, source, "dtdevs is no list");
    if (!json_object_array_length(devices))
        return 0;
    rc = settle_tree(reading, source, root);
    return rc < 0 ? rc : add_devices(reading, source, devices);
}

/* As whole_file_take(): on an error *text is NULL. */
static int read_text(struct reading *reading, const struct source *source, char **text,
                     size_t *size, struct stat *st)
{
    int fd = open_record(reading->observer, source->domid, source->handle), rc;

    *text = NULL;
    if (fd < 0)
        return fd;
    rc = whole_file_take(fd, RECORD_MAX_SIZE, text, size, st);
    close(fd);
    return rc;
}

/* It is opened by number and UUID, written as libxl does: any other name would not be found. */
static bool is_named_well(const struct reading *reading, const struct source *source)
{
    struct opener_request request = {.domid = source->domid};
    char path[PATH_MAX];

    memcpy(request.uuid, source->handle, sizeof(request.uuid));
    return opener_record_path(path, sizeof(path), reading->observer->sysroot, &request) == 0 &&
           strcmp(path, source->path) == 0;
}

static int read_record(struct reading *reading, struct source *source)
{
    struct json_object *root;
    struct stat st;
    char *text;
    size_t size;
    int rc, found;

    if (!is_named_well(reading, source))
        return refuse(reading, source, "not named as libxl names it");
    rc = read_text(reading, source, &text, &size, &st);
    /* It went while we looked. */
    if (rc == -ENOENT)
        return 0;
    found = find_tree(reading, source, rc < 0 ? NULL : &st);
    if (rc == -ENOMEM || found < 0) {
        free(text);
        return -ENOMEM;
    }
    if (rc < 0)
        return refuse(reading, source, strerror(-rc));
    root = record_parse(text, size);
    free(text);
    if (!root)
        rc = refuse(reading, source, "not JSON, or no object");
    else
        rc = take_root(reading, source, root);
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

#define RECORD_NAME_SIZE 96

/* What libxl calls the record of this domain. */
static void record_name(uint32_t domid, const uint8_t h[16], char name[RECORD_NAME_SIZE])
{
    snprintf(name, RECORD_NAME_SIZE,
             "userdata-d.%u.%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x"
             ".libxl-json",
             domid, h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12],
             h[13], h[14], h[15]);
}

/* "userdata-d.DOMID.UUID.libxl-json" and nothing else: libxl writes a ".new" beside it first. */
static bool parse_name(const char *name, struct source *source)
{
    char again[RECORD_NAME_SIZE];
    unsigned int number;

    if (sscanf(name, "userdata-d.%5u.%36[0-9a-f-]", &number, source->uuid) != 2 ||
        !parse_uuid(source->uuid, source->handle))
        return false;
    source->domid = number;
    record_name(source->domid, source->handle, again);
    return strcmp(name, again) == 0;
}

static int compare(const void *a, const void *b)
{
    const struct dt_record *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order ? order : x->domid < y->domid ? -1 : x->domid > y->domid;
}

static void note_incomplete(struct reading *reading, int error)
{
    complain(&reading->complaints, &reading->observer->complaints, "%s: %s",
             reading->observer->directory, strerror(error));
    reading->records.incomplete = true;
}

static int read_entries(struct reading *reading, DIR *directory)
{
    const char *folder = reading->observer->directory;
    struct dirent *entry;
    int rc = 0;

    while (rc == 0 && (errno = 0, entry = readdir(directory))) {
        struct source source = {.domid = 0};

        if (!parse_name(entry->d_name, &source))
            continue;
        snprintf(source.path, sizeof(source.path), "%s/%s", folder, entry->d_name);
        rc = read_record(reading, &source);
        errno = 0;
    }
    if (rc == 0 && errno)
        note_incomplete(reading, errno);
    return rc;
}

static int read_directory(struct reading *reading)
{
    const struct opener_request request = {.kind = OPENER_RECORDS};
    int fd = opener_open(reading->observer->opener, reading->observer->sysroot, &request, NULL);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    int rc = fd >= 0 ? -errno : fd;

    if (!directory) {
        if (fd >= 0)
            close(fd);
        if (rc != -ENOENT)
            note_incomplete(reading, -rc);
        return rc == -ENOMEM ? -ENOMEM : 0;
    }
    reading->there = true;
    rc = read_entries(reading, directory);
    closedir(directory);
    return rc;
}

/* Is its record still there? The directory may change while it is read. */
static bool is_recorded(const struct toolstack_observer *observer, const struct guest_tree *tree)
{
    int fd = open_record(observer, tree->domid, tree->handle);

    if (fd >= 0)
        close(fd);
    return fd != -ENOENT;
}

/* Forgets the trees of domains whose record went. */
static void sweep(struct reading *reading)
{
    struct guest_trees *trees = &reading->observer->trees;

    for (size_t i = trees->count; i-- > 0;)
        if (!trees->trees[i].seen && !is_recorded(reading->observer, &trees->trees[i]))
            guest_trees_drop(trees, i);
}

static void settle(struct toolstack_observer *observer, struct reading *reading)
{
    if (reading->records.count)
        qsort(reading->records.records, reading->records.count, sizeof(*reading->records.records),
              compare);
    records_clear(&observer->current);
    complaints_clear(&observer->complaints);
    observer->current = reading->records;
    observer->complaints = reading->complaints;
    /* One that comes later may bring records that are older. */
    observer->begun = true;
    observer->listed = reading->there && !reading->records.incomplete;
    observer->wants_refresh =
        reading->records.incomplete || reading->records.unread_count || reading->unsettled;
}

int toolstack_observer_refresh(struct toolstack_observer *observer)
{
    struct reading reading = {.observer = observer};
    int rc = directory_watch_aim(&observer->watch);

    /* What changes in there later would not be seen. */
    if (rc < 0)
        note_incomplete(&reading, -rc);
    for (size_t i = 0; i < observer->trees.count; i++)
        observer->trees.trees[i].seen = false;
    rc = read_directory(&reading);
    if (rc < 0) {
        records_clear(&reading.records);
        complaints_clear(&reading.complaints);
        return rc;
    }
    sweep(&reading);
    settle(observer, &reading);
    return 0;
}

/* A record that went and is there again when the directory is read is another domain's, though it
 * may be of the same number and UUID. */
static void take_gone(void *arg, const char *name)
{
    struct toolstack_observer *observer = arg;
    struct guest_trees *trees = &observer->trees;
    struct source source = {.domid = 0};

    if (!name)
        observer->listed = false;
    else if (!parse_name(name, &source))
        return;
    for (size_t i = trees->count; i-- > 0;)
        if (!name || (trees->trees[i].domid == source.domid &&
                      memcmp(trees->trees[i].handle, source.handle, sizeof(source.handle)) == 0))
            guest_trees_drop(trees, i);
}

int toolstack_observer_open(struct toolstack_observer **out, const char *sysroot,
                            struct opener *opener, birth_fn *birth, void *birth_arg)
{
    struct toolstack_observer *observer = calloc(1, sizeof(*observer));
    int rc = -ENOMEM;

    *out = NULL;
    if (!observer)
        return -ENOMEM;
    observer->watch.fd = -1;
    observer->opener = opener;
    observer->birth = birth;
    observer->birth_arg = birth_arg;
    observer->sysroot = strdup(sysroot);
    if (asprintf(&observer->directory, "%s" OPENER_DIRECTORY, sysroot) < 0)
        observer->directory = NULL;
    if (observer->sysroot && observer->directory)
        rc = directory_watch_open(&observer->watch, opener, observer->sysroot, take_gone, observer);
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
    directory_watch_close(&observer->watch);
    guest_trees_clear(&observer->trees);
    records_clear(&observer->current);
    complaints_clear(&observer->complaints);
    free(observer->directory);
    free(observer->sysroot);
    free(observer);
}

int toolstack_observer_fd(const struct toolstack_observer *observer)
{
    return observer->watch.fd;
}

bool toolstack_observer_dispatch(struct toolstack_observer *observer)
{
    /* What happened to which file does not matter: they are few, and read all again. */
    return directory_watch_dispatch(&observer->watch);
}

bool toolstack_observer_wants_refresh(const struct toolstack_observer *observer)
{
    return observer->wants_refresh;
}

const struct dt_records *toolstack_observer_get(const struct toolstack_observer *observer)
{
    return &observer->current;
}
